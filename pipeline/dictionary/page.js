'use strict';
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// The drawing: what a table is made of, and what is made of it, at any distance.
const svg = document.getElementById('drawing');
const nodes = all('a', svg);
const hashes = nodes.map((node) => node.getAttribute('href'));
const edges = all('path', svg).map((path) => ({ path, start: +path.dataset.start, end: +path.dataset.end }));

function light(own) {
  all('.up, .down, .own', svg).forEach((one) => one.classList.remove('up', 'down', 'own', 'near'));
  svg.classList.toggle('lit', own >= 0);
  if (own < 0) return;
  nodes[own].classList.add('own');
  for (const [way, from, to] of [['up', 'end', 'start'], ['down', 'start', 'end']]) {
    const reached = new Set([own]);
    for (const one of reached) { // a set also walks what is added on the way
      for (const edge of edges.filter((edge) => edge[from] === one)) {
        edge.path.classList.add(way);
        edge.path.classList.toggle('near', one === own);
        nodes[edge[to]].classList.add(way);
        reached.add(edge[to]);
      }
    }
  }
}

// What the address names stays lit while nothing is pointed at.
const named = () => hashes.findIndex((hash) => `${location.hash}.`.startsWith(`${hash}.`));
nodes.forEach((node, number) => {
  node.addEventListener('pointerenter', () => light(number));
  node.addEventListener('focus', () => light(number));
  node.addEventListener('pointerleave', () => light(named()));
  node.addEventListener('blur', () => light(named()));
});

function arrive() {
  light(named());
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.closest('[hidden]')) seek('');
  const details = target.closest('details') || target.querySelector('details');
  if (details) details.open = true;
  target.scrollIntoView();
}
addEventListener('hashchange', arrive);

// The search: every word is in what a table says of itself, or in that and the row of one of its columns.
const search = document.getElementById('search');
const found = document.getElementById('found');
const articles = all('article').map((article) => {
  const rows = all('tbody tr', article).map((row) => ({ row, text: row.textContent.toLowerCase() }));
  const head = all(':scope > h3, :scope > p', article).map((one) => one.textContent).join(' ').toLowerCase();
  return { article, head, rows, details: article.querySelector('details') };
});

function seek(text) {
  search.value = text;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const says = (where) => words.every((word) => where.includes(word));
  let count = 0;
  for (const { article, head, rows, details } of articles) {
    const isTable = says(head);
    const hits = rows.filter(({ text: row }) => says(`${head} ${row}`));
    article.hidden = !isTable && !hits.length;
    rows.forEach((one) => { one.row.hidden = !isTable && !hits.includes(one); });
    if (details) details.open = Boolean(words.length) && !isTable;
    count += details && !article.hidden ? 1 : 0;
  }
  document.getElementById('picture').hidden = words.length > 0;
  all('section.family').forEach((section) => { section.hidden = !section.querySelector('article:not([hidden])'); });
  found.textContent = count === 1 ? '1 table' : `${count} tables`;
}
search.addEventListener('input', () => seek(search.value));

// On paper every column is shown.
let opened = [];
addEventListener('beforeprint', () => {
  opened = all('details:not([open])');
  opened.forEach((one) => { one.open = true; });
});
addEventListener('afterprint', () => opened.forEach((one) => { one.open = false; }));

if (location.hash) arrive();
