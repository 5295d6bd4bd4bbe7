// Two comforts; the page says the same without them: a theme to choose, and the numbers of a day under the pointer.
(() => {
  const themes = ["auto", "light", "dark"];
  const button = document.getElementById("theme");
  const use = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.querySelector("span").textContent = theme;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = document.documentElement.dataset.theme || "auto";
    use(themes[(themes.indexOf(shown) + 1) % themes.length]);
  });

  for (const figure of document.querySelectorAll("figure.readable")) {
    const table = figure.parentElement.querySelector("table");
    if (!table) continue;
    const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    const rows = [...table.tBodies[0].rows]
      .map((row) => ({ day: Date.parse(row.cells[0].textContent), row }))
      .sort((a, b) => a.day - b.day);
    const [from, to] = [Date.parse(figure.dataset.from), Date.parse(figure.dataset.to)];
    const cursor = document.createElement("div");
    const readout = document.createElement("div");
    cursor.className = "cursor";
    readout.className = "readout";
    readout.setAttribute("role", "status");
    cursor.hidden = readout.hidden = true;
    figure.append(cursor, readout);
    figure.tabIndex = 0;
    figure.setAttribute("role", "group");
    figure.setAttribute("aria-label", "Chart. Arrow keys read it day by day.");
    let at = rows.length - 1;

    const plot = () => {
      const picture = [...figure.querySelectorAll(".picture")].find((one) => one.offsetParent);
      const svg = picture.querySelector("svg");
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      return { left: picture.dataset.left * scale, width: picture.dataset.width * scale };
    };
    const read = (index) => {
      at = Math.min(Math.max(index, 0), rows.length - 1);
      const { left, width } = plot();
      const x = left + ((rows[at].day - from) / (to - from)) * width;
      readout.replaceChildren();
      [...rows[at].row.cells].forEach((cell, n) => {
        const line = document.createElement("div");
        line.textContent = n ? `${names[n]}: ${cell.textContent}` : cell.textContent;
        readout.append(line);
      });
      cursor.hidden = readout.hidden = false;
      cursor.style.left = `${x}px`;
      const isRight = x > figure.clientWidth / 2;
      readout.style.left = isRight ? "auto" : `${x + 10}px`;
      readout.style.right = isRight ? `${figure.clientWidth - x + 10}px` : "auto";
    };
    const nearest = (event) => {
      const { left, width } = plot();
      const x = event.clientX - figure.getBoundingClientRect().left;
      const day = from + ((x - left) / width) * (to - from);
      let best = 0;
      rows.forEach((row, n) => { if (Math.abs(row.day - day) < Math.abs(rows[best].day - day)) best = n; });
      return best;
    };
    const leave = () => { cursor.hidden = readout.hidden = true; };
    figure.addEventListener("pointermove", (event) => read(nearest(event)));
    figure.addEventListener("pointerdown", (event) => read(nearest(event)));
    // A finger leaves when it lifts: what it has read stays until it touches something else.
    figure.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") leave(); });
    document.addEventListener("pointerdown", (event) => { if (!figure.contains(event.target)) leave(); });
    figure.addEventListener("focus", () => { if (figure.matches(":focus-visible")) read(at); });
    figure.addEventListener("blur", leave);
    figure.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7, Home: -1e9, End: 1e9 };
      if (event.key === "Escape") leave();
      if (!(event.key in steps)) return;
      event.preventDefault();
      read(at + steps[event.key]);
    });
  }
})();
