/* What the scripts of all pages share. No part of a page's words is made from HTML in strings:
   everything goes in as text. */
const Page = (function () {
  "use strict";

  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const coarse = window.matchMedia("(pointer: coarse)");
  const NARROW = 620;
  const PRINT_WIDTH = 660;
  const THIN = "\u202f";

  // ---- Times and numbers -------------------------------------------------------------

  const millis = (text) => Date.parse(text.replace(" ", "T") + "Z");
  const asAxisTime = (moment) => new Date(moment).toISOString().slice(0, 19).replace("T", " ");

  function number(value, digits = 0) {
    if (value === null || value === undefined) return "–";
    const fixed = Number(value).toFixed(digits).split(".");
    fixed[0] = fixed[0].replace(/\B(?=(\d{3})+$)/g, THIN);
    return fixed.join(".");
  }

  const intervals = (count) =>
    count === 0 ? "none" : count === 1 ? "1 interval" : `${number(count)} intervals`;

  const instances = (value) =>
    value === null ? "–" : number(value, Number.isInteger(value) ? 0 : 1);

  // ---- Elements ----------------------------------------------------------------------

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = together(text);
    if (className) made.className = className;
    return made;
  }

  function swatch(item) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("width", "24");
    svg.setAttribute("height", "12");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(space, "path");
    const colour = `var(${item.colour})`;
    if (item.look === "area" || item.look === "block") {
      path.setAttribute("d", item.look === "area" ? "M1 1H23V11H1Z" : "M8 1H15V11H8Z");
      path.style.fill = colour;
      if (item.edge) path.style.stroke = `var(${item.edge})`;
    } else if (item.look === "triangle") {
      path.setAttribute("d", "M1 11H11L6 2ZM13 2H23L18 11Z");
      path.style.fill = colour;
    } else {
      path.setAttribute("d", "M0 6H24");
      path.style.fill = "none";
      path.style.stroke = colour;
      path.style.strokeWidth = item.look === "line" || item.look === "solid" ? "2.5" : "2";
      path.style.strokeDasharray =
        { dash: "6 3", dot: "2 3", dashdot: "6 3 2 3" }[item.look] || "none";
    }
    svg.append(path);
    return svg;
  }

  /** A button for each item, which shows or hides it. */
  function makeLegend(place, items, shown, draw) {
    items.forEach((item) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(shown[item.key]));
      button.append(swatch(item), document.createTextNode(item.name));
      button.addEventListener("click", () => {
        shown[item.key] = !shown[item.key];
        button.setAttribute("aria-pressed", String(shown[item.key]));
        draw();
      });
      place.append(button);
    });
  }

  // ---- Words in the charts -----------------------------------------------------------

  let onPaper = false;
  const widthOf = (chart) => (onPaper ? PRINT_WIDTH : chart.clientWidth);
  const isNarrow = (width) => width < NARROW;

  /** Plotly reads a little HTML in its labels; a report's own words must not be taken for it. */
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  /** Numbers as everywhere on the page: thin spaces, and no line break within. */
  const together = (text) =>
    text.replace(/(\d),(?=\d{3}(?!\d))/g, `$1${THIN}`).replace(/(\d) %/g, `$1${THIN}%`);

  /** Lines of at most so many letters, and not too many of them. */
  function wrap(text, longest) {
    const lines = [""];
    together(text).split(/[ \n]+/).forEach((word) => {
      const last = lines[lines.length - 1];
      if (last && (last + " " + word).length > longest) lines.push(word);
      else lines[lines.length - 1] = last ? last + " " + word : word;
    });
    const most = 7;
    if (lines.length > most) lines.splice(most, lines.length, "…");
    return lines.map(plain).join("<br>");
  }

  // ---- Charts ------------------------------------------------------------------------

  const colours = () => {
    const style = getComputedStyle(root);
    return (name) => style.getPropertyValue(name).trim();
  };

  function axis(colour) {
    return {
      color: colour("--soft"), gridcolor: colour("--grid"), zerolinecolor: colour("--line"),
      linecolor: colour("--line"), tickfont: { size: 12 },
    };
  }

  function chartLayout(colour, width, height) {
    const narrow = isNarrow(width);
    const family = getComputedStyle(document.body).fontFamily;
    return {
      width, height,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
      font: { family, size: 12, color: colour("--ink") },
      margin: { l: narrow ? 44 : 56, r: narrow ? 8 : 14, t: 12, b: 40 },
      separators: "." + THIN, hovermode: "x", hoverdistance: -1, bargap: 0, barmode: "overlay",
      dragmode: narrow || coarse.matches ? false : "zoom",
      hoverlabel: {
        bgcolor: colour("--card"), bordercolor: colour("--soft"), align: "left",
        font: { color: colour("--ink"), size: narrow ? 11 : 13, family },
      },
      xaxis: {
        ...axis(colour), type: "date", showgrid: true, nticks: narrow ? 5 : 13, showspikes: false,
        tickformatstops: [
          { dtickrange: [null, 60000], value: "%H:%M:%S" },
          { dtickrange: [60000, null], value: "%H:%M" },
        ],
      },
      yaxis: {
        ...axis(colour), rangemode: "tozero", fixedrange: true, tickformat: "~s", nticks: 7,
      },
    };
  }

  // A double click is answered by ourselves: it shows the whole day in both charts.
  const config = { displayModeBar: false, responsive: false, doubleClick: false, showTips: false };

  // ---- Theme and paper ---------------------------------------------------------------

  let redraw = () => {};
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  function nameTheme() {
    byId("theme").textContent = isDark() ? "Light theme" : "Dark theme";
  }

  function setTheme(theme) {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    nameTheme();
    redraw();
  }

  function startTheme(draw) {
    redraw = draw;
    byId("theme").hidden = false;
    byId("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
    system.addEventListener("change", () => { if (!root.dataset.theme) setTheme(); });
    nameTheme();
  }

  let themeOnScreen;
  function startPrint() {
    window.addEventListener("beforeprint", () => {
      themeOnScreen = root.dataset.theme;
      onPaper = true;
      setTheme("light");
    });
    window.addEventListener("afterprint", () => {
      onPaper = false;
      setTheme(themeOnScreen);
    });
  }

  return {
    asAxisTime, byId, chartLayout, colours, config, data, element, instances, isNarrow, makeLegend,
    intervals, millis, number, plain, startPrint, startTheme, together, widthOf, wrap,
  };
})();
