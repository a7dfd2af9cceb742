/* Draws the curves, explains one decision at a time, and asks for news. All words go in as text. */
(function () {
  "use strict";

  const {
    byId, chartLayout, colours, config, data, element, instances, isNarrow, makeLegend, number,
    startTheme, together, widthOf,
  } = Page;
  const { table, tables } = Why;
  const HOUR = 3600000;
  /* Milliseconds: between two questions while something is under way or wrong; and until a
     server that does not answer counts as gone, and a decision as not to be had. */
  const SOON = 2000, ANSWERED_WITHIN = 10000, EXPLAINED_WITHIN = 60000;
  /** Milliseconds that a decision may take before the page says that it is being read. */
  const UNNOTICED = 400;
  const STRIP_PIXELS = 2, FAINTEST = 0.2;
  const charts = ["demand-chart", "capacity-chart", "latency-chart"].map(byId);
  const [demandChart, capacityChart, latencyChart] = charts;

  /* Times are milliseconds since 1970, UTC. `hours` is how much of the past is shown, 0 all of
     it; `range` one of the reader's own. `chosen`: whether the reader has chosen a moment;
     `told`: whether its decision has been explained; `standing`: the moment whose explanation
     stands there, if there is one. */
  const state = {
    curves: null, version: null, selected: null, chosen: false, told: false, standing: null,
    // Fourteen days on a telephone are a tangle.
    hours: isNarrow(widthOf(capacityChart)) ? 24 : 0, range: null,
  };
  const shown = {};

  // ---- Times -------------------------------------------------------------------------

  const clock = (moment) => new Date(moment).toISOString().slice(11, 16);
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const day = (moment) => `${new Date(moment).getUTCDate()} ${MONTHS[new Date(moment).getUTCMonth()]}`;
  const slotText = (moment) => new Date(moment).toISOString().slice(0, 19) + "Z";
  const timeOf = (bin) => state.curves.start + bin * state.curves.step;
  const binOf = (moment) => Math.floor((moment - state.curves.start) / state.curves.step);

  function whole() {
    const curves = state.curves;
    const last = curves.ahead[curves.ahead.length - 1];
    const end = last ? last.start + last.median.length * curves.step : timeOf(curves.bins);
    return [curves.start, end];
  }

  function range() {
    const [begin, end] = whole();
    if (state.range) return state.range;
    if (!state.hours) return [begin, end];
    const now = timeOf(state.curves.bins);
    return [Math.max(begin, now - state.hours * HOUR), Math.min(end, now + state.hours * HOUR)];
  }

  // ---- Curves ------------------------------------------------------------------------

  const demandKeys = [
    { key: "demand", name: "came", colour: "--demand", look: "line" },
    { key: "band", name: "90 % band, by the decisions and the model", colour: "--band", look: "area" },
    { key: "far", name: "90 % band, by the season", colour: "--far-band", edge: "--far", look: "area" },
    { key: "median", name: "median", colour: "--ours", look: "dash" },
  ];
  const capacityKeys = [
    { key: "needed", name: "needed (ahead: for the median)", colour: "--needed-fill", edge: "--needed", look: "area" },
    { key: "in_service", name: "in service", colour: "--ours", look: "line" },
    { key: "desired", name: "desired", colour: "--rival", look: "dash" },
    { key: "wish", name: "wanted by the forecast", colour: "--oracle", look: "dot" },
    { key: "missed", name: "missed (darker: more of the time)", colour: "--missed", look: "block" },
  ];
  [...demandKeys, ...capacityKeys].forEach((item) => { shown[item.key] = true; });

  const hidden = { type: "scatter", mode: "lines", hoverinfo: "none" };

  const line = (values, colour, width, dash, visible = true, start = state.curves.start) => ({
    ...hidden, x0: start, dx: state.curves.step, y: values, visible, connectgaps: false,
    hoverinfo: "skip", line: { color: colour, width, dash, shape: "hv" },
  });

  /** One closed outline for each stretch that has a forecast. */
  function outline(lower, upper, start) {
    const step = state.curves.step, x = [], y = [];
    let first = 0;
    while (first < lower.length) {
      if (lower[first] === null) { first += 1; continue; }
      let end = first;
      while (end < lower.length && lower[end] !== null) end += 1;
      for (let bin = first; bin < end; bin += 1) {
        x.push(start + bin * step, start + (bin + 1) * step);
        y.push(upper[bin], upper[bin]);
      }
      for (let bin = end - 1; bin >= first; bin -= 1) {
        x.push(start + (bin + 1) * step, start + bin * step);
        y.push(lower[bin], lower[bin]);
      }
      x.push(null);
      y.push(null);
      first = end;
    }
    return { x, y };
  }

  const area = (lower, upper, start, colour, visible) => ({
    ...outline(lower, upper, start), type: "scatter", mode: "lines", fill: "toself",
    hoverinfo: "skip", fillcolor: colour, line: { width: 0 }, visible,
  });

  /** An unseen line that tells which interval the pointer is at, also in the time to come. */
  function carrier(height) {
    const bins = Math.round((whole()[1] - state.curves.start) / state.curves.step);
    const y = new Array(bins).fill(0).map((_, bin) => height[bin] || 0);
    return {
      ...hidden, x0: state.curves.start + state.curves.step / 2, dx: state.curves.step, y,
      line: { width: 0 },
    };
  }

  function demandTraces(colour) {
    const curves = state.curves;
    const pieces = curves.ahead.flatMap((piece) => {
      const near = piece.rung === "forest";
      return [
        area(piece.lower, piece.upper, piece.start, colour(near ? "--band" : "--far-band"),
          near ? shown.band : shown.far),
        line(piece.median, colour(near ? "--ours" : "--far"), 1.5, "dash", shown.median, piece.start),
      ];
    });
    return [
      carrier(curves.demand),
      area(curves.lower, curves.upper, curves.start, colour("--band"), shown.band),
      line(curves.median, colour("--ours"), 1, "dash", shown.median),
      ...pieces,
      line(curves.demand, colour("--demand"), 1.5, "solid", shown.demand),
    ];
  }

  function capacityTraces(colour) {
    const curves = state.curves;
    const height = curves.needed.map((value, bin) => Math.max(value || 0, curves.in_service[bin] || 0));
    return [
      carrier(height),
      { ...line(curves.needed, colour("--needed"), 1, "solid", shown.needed),
        fill: "tozeroy", fillcolor: colour("--needed-fill") },
      line(curves.wish, colour("--oracle"), 1.3, "dot", shown.wish),
      line(curves.desired, colour("--rival"), 1.5, "dash", shown.desired),
      line(curves.in_service, colour("--ours"), 2, "solid", shown.in_service),
      ...curves.ahead.map((piece) =>
        line(piece.needed, colour("--needed"), 1.3, "dash", shown.needed, piece.start)),
      missedStrip(colour),
    ];
  }

  /** On a strip of their own, so that none is overlooked. Where an interval is narrower than
      can be seen, several share a block, which is as dark as the share of them that missed. */
  function missedStrip(colour) {
    const curves = state.curves;
    const together = Math.max(1, Math.ceil(STRIP_PIXELS * millisPerPixel() / curves.step));
    const blocks = new Map();
    curves.missed.forEach((bin) => {
      const block = Math.floor(bin / together);
      blocks.set(block, (blocks.get(block) || 0) + 1);
    });
    const found = [...blocks];
    const inBlock = (block) => Math.min(together, curves.bins - block * together);
    return {
      type: "bar", hoverinfo: "skip", visible: shown.missed, yaxis: "y2", base: 0,
      x: found.map(([block]) => timeOf((block + 0.5) * together)), y: found.map(() => 1),
      width: together * curves.step,
      marker: {
        color: colour("--missed"), line: { width: 0 },
        opacity: found.map(([block, missed]) => FAINTEST + (1 - FAINTEST) * missed / inBlock(block)),
      },
    };
  }

  const milliseconds = (values) => values.map((value) => (value === null ? null : 1000 * value));

  const latencyTraces = (colour) => {
    const values = milliseconds(state.curves.latency);
    return [carrier(values), line(values, colour("--other"), 1.5, "solid")];
  };

  // ---- Layout ------------------------------------------------------------------------

  const width = () => widthOf(capacityChart);
  function millisPerPixel() {
    const [begin, end] = range();
    return (end - begin) / Math.max(100, width() - 60);
  }

  function marks(colour) {
    const half = Math.max(millisPerPixel(), state.curves.step / 2);
    const centre = state.selected + state.curves.step / 2;
    const now = timeOf(state.curves.bins);
    return [
      { type: "line", xref: "x", yref: "paper", x0: now, x1: now, y0: 0, y1: 1, layer: "below",
        line: { color: colour("--soft"), width: 1, dash: "dot" } },
      ...(state.selected === null ? [] : [{
        type: "rect", xref: "x", yref: "paper", x0: centre - half, x1: centre + half, y0: 0, y1: 1,
        fillcolor: colour("--ink"), opacity: 0.28, line: { width: 0 }, layer: "below",
      }]),
    ];
  }

  function layout(colour, chart, titled) {
    const made = chartLayout(colour, width(), chart.clientHeight);
    made.shapes = marks(colour);
    made.margin.b = titled ? 52 : 40;
    Object.assign(made.xaxis, {
      range: range(), nticks: isNarrow(width()) ? 4 : 12,
      tickformatstops: [
        { dtickrange: [null, 43200000], value: "%H:%M\n%-d %b" },
        { dtickrange: [43200000, null], value: "%-d %b" },
      ],
    });
    if (titled) made.xaxis.title = { text: "UTC", font: { size: 12 }, standoff: 4 };
    return made;
  }

  /** The ground on which missed intervals lie. */
  const track = (colour) => ({
    type: "rect", xref: "paper", x0: 0, x1: 1, yref: "y2", y0: 0, y1: 1, layer: "below",
    fillcolor: colour("--grid"), line: { width: 0 },
  });

  function capacityLayout(colour) {
    const made = layout(colour, capacityChart, false);
    const curves = state.curves;
    const most = Math.max(0, ...curves.needed, ...curves.in_service, ...curves.desired);
    if (most < 7) Object.assign(made.yaxis, { tick0: 0, dtick: 1 });
    made.yaxis.domain = [0.1, 1];
    made.xaxis.anchor = "y2";
    made.yaxis2 = {
      domain: [0, 0.05], range: [0, 1], fixedrange: true, showgrid: false, showticklabels: false,
      zeroline: false, anchor: "x",
    };
    made.shapes = [track(colour), ...made.shapes];
    return made;
  }

  let drawnWidth = 0;

  function draw() {
    if (!state.curves) return;
    drawnWidth = width();
    const colour = colours();
    Plotly.react(demandChart, demandTraces(colour), layout(colour, demandChart, false), config);
    Plotly.react(capacityChart, capacityTraces(colour), capacityLayout(colour), config);
    Plotly.react(latencyChart, latencyTraces(colour), layout(colour, latencyChart, true), config);
    nameRange();
  }

  /** How long it takes from having the curves until they are on the screen. */
  function drawMeasured() {
    const begin = performance.now();
    draw();
    window.requestAnimationFrame(() => window.setTimeout(() =>
      performance.measure("curves drawn", { start: begin, end: performance.now() })));
  }

  function nameRange() {
    document.querySelectorAll("[data-hours]").forEach((button) => button.setAttribute(
      "aria-pressed", String(!state.range && Number(button.dataset.hours) === state.hours)));
    const [begin, end] = range(), [first, last] = whole();
    byId("zoom-out").disabled = end - begin >= last - first;
  }

  function moveMarks() {
    const colour = colours(), shapes = marks(colour);
    charts.forEach((chart) => Plotly.relayout(chart, {
      shapes: chart === capacityChart ? [track(colour), ...shapes] : shapes,
    }));
  }

  function setRange(from, to) {
    const [first, last] = whole();
    const length = Math.min(Math.max(to - from, 6 * state.curves.step), last - first);
    const begin = Math.min(Math.max(from, first), last - length);
    state.range = [begin, begin + length];
    draw();
  }

  function zoomBy(factor) {
    const [begin, end] = range();
    const length = (end - begin) * factor;
    const inside = state.selected >= begin && state.selected <= end;
    const centre = inside ? state.selected : (begin + end) / 2;
    setRange(centre - length / 2, centre + length / 2);
  }

  function followZoom(event) {
    const found = event["xaxis.range"] || [event["xaxis.range[0]"], event["xaxis.range[1]"]];
    if (found[0] === undefined || found[1] === undefined) return;
    const asTime = (value) => (typeof value === "number" ? value : Page.millis(String(value).slice(0, 19)));
    setRange(asTime(found[0]), asTime(found[1]));
  }

  // ---- One interval ------------------------------------------------------------------

  function aheadAt(moment) {
    const step = state.curves.step;
    for (const piece of state.curves.ahead) {
      const index = Math.floor((moment - piece.start) / step);
      if (index >= 0 && index < piece.median.length) {
        return { rung: piece.rung, lower: piece.lower[index], median: piece.median[index], upper: piece.upper[index] };
      }
    }
    return null;
  }

  function expected(bin) {
    const curves = state.curves;
    const past = bin < curves.bins && curves.median[bin] !== null && curves.median[bin] !== undefined;
    const found = past
      ? { lower: curves.lower[bin], median: curves.median[bin], upper: curves.upper[bin] }
      : aheadAt(timeOf(bin));
    if (!found) return "none";
    const by = found.rung ? `, by ${found.rung}` : "";
    return `${number(found.median)} (${number(found.lower)} to ${number(found.upper)}${by})`;
  }

  function readout(bin) {
    const curves = state.curves, moment = timeOf(bin);
    const parts = [`${day(moment)}, ${clock(moment)} UTC`];
    if (bin < curves.bins) {
      parts.push(curves.demand[bin] === null ? "not measured yet" : `${number(curves.demand[bin])} came`,
        `expected ${expected(bin)}`);
      if (curves.in_service[bin] !== null) parts.push(
        `${instances(curves.in_service[bin])} in service, ${instances(curves.needed[bin])} needed`);
      if (curves.latency[bin] !== null) parts.push(`${number(1000 * curves.latency[bin])} ms`);
      if (curves.missed.includes(bin)) parts.push("missed");
    } else parts.push(`expected ${expected(bin)}`);
    byId("readout").textContent = parts.join(" · ");
  }

  function values(bin) {
    const curves = state.curves;
    const at = (name) => (bin < curves.bins ? curves[name][bin] : null);
    const latency = at("latency");
    const rows = [
      ["demand", at("demand") === null ? "not measured" : `${number(at("demand"))} requests`],
      ["expected earlier for this interval", expected(bin)],
      ["instances needed", instances(at("needed"))],
      ["in service", instances(at("in_service"))],
      ["wanted by the forecast", instances(at("wish"))],
      ["decided", instances(at("decided"))],
      ["desired", instances(at("desired"))],
      ["latency, mean", latency === null ? "–" : `${number(1000 * latency)} ms`],
      ["failed or refused", number(at("failed"))],
      ["missed", curves.missed.includes(bin) ? number(at("demand")) : at("demand") === null ? "–" : "none"],
    ];
    const box = table("In this interval", null, rows);
    if (curves.missed.includes(bin)) {
      box.querySelector("tr:last-child td").className = "missed-text";
    }
    return box;
  }

  let asked = null;
  let pending = 0;
  let noticed = 0;

  async function explain() {
    if (asked) asked.abort();
    asked = null;
    const moment = state.selected, bin = binOf(moment);
    byId("why-time").textContent = `${day(moment)}, ${clock(moment)} UTC`;
    byId("moment").value = String(bin);
    byId("moment").setAttribute("aria-valuetext", `${day(moment)}, ${clock(moment)} UTC`);
    byId("previous").disabled = bin <= 0;
    byId("next").disabled = bin >= state.curves.bins - 1;
    byId("why-values").replaceChildren(values(bin));
    nameJumps(bin);
    if (!state.curves.recorded.includes(bin)) {
      tell({ head: "No decision is recorded for this interval, or it has not been read yet." });
      return;
    }
    asked = new AbortController();
    const mine = asked;
    if (state.standing !== moment) awaitDecision();
    const limit = window.setTimeout(() => mine.abort(), EXPLAINED_WITHIN);
    try {
      const answer = await fetch(`/api/decisions/${slotText(moment)}`, { signal: mine.signal });
      const found = await answer.json();
      if (mine !== asked) return;
      if (answer.ok) {
        tell(found);
        state.told = true;
        state.standing = moment;
      } else lack(moment, found.detail);
    } catch (error) {
      if (mine === asked) lack(moment, "the server does not answer");
    } finally {
      window.clearTimeout(limit);
    }
  }

  /** Nothing of another moment stays under the new one's time. */
  function awaitDecision() {
    state.standing = null;
    byId("why").classList.add("waiting");
    window.clearTimeout(noticed);
    noticed = window.setTimeout(() => tell({ head: "Reading the decision …" }), UNNOTICED);
  }

  /** What has been explained keeps standing, if it cannot be read again. */
  function lack(moment, why) {
    const text = `just now: ${why.replace(/\.$/, "")}.`;
    if (state.standing !== moment) tell({ head: `It cannot be explained ${text}` });
    else byId("why-note").textContent = `This was read before; it cannot be read again ${text}`;
  }

  function tell(found) {
    window.clearTimeout(noticed);
    state.standing = null;
    byId("why").classList.remove("waiting");
    byId("why-note").textContent = "";
    byId("why-head").textContent = together(found.head);
    const words = [...(found.text || []), ...(found.outcome ? [found.outcome] : [])];
    byId("why-text").replaceChildren(...words.map((text) => element("p", text)));
    byId("why-tables").replaceChildren(...(found.candidates ? tables(found) : []));
  }

  function select(bin, chosen = true) {
    const wanted = Math.min(Math.max(bin, 0), state.curves.bins - 1);
    state.chosen = chosen;
    state.told = false;
    state.selected = timeOf(wanted);
    readout(wanted);
    const [begin, end] = range();
    if (chosen && (state.selected < begin || state.selected + state.curves.step > end)) {
      setRange(state.selected - (end - begin) / 2, state.selected + (end - begin) / 2);
    } else moveMarks();
    window.clearTimeout(pending);
    // Whoever holds an arrow key down is not asking about each one.
    pending = window.setTimeout(explain, chosen ? 120 : 0);
  }

  const newest = () => state.curves.recorded[state.curves.recorded.length - 1] ?? state.curves.bins - 1;
  const changes = () => state.curves.recorded.filter((bin) =>
    bin > 0 && state.curves.desired[bin - 1] !== null && state.curves.desired[bin] !== null &&
    state.curves.desired[bin] !== state.curves.desired[bin - 1]);
  const earlier = (places, here) => places.filter((bin) => bin < here).pop();
  const later = (places, here) => places.find((bin) => bin > here);
  const JUMPS = [
    ["previous-change", changes, earlier], ["next-change", changes, later],
    ["previous-miss", () => state.curves.missed, earlier],
    ["next-miss", () => state.curves.missed, later],
  ];

  function jump(places, way) {
    const found = way(places(), binOf(state.selected));
    if (found !== undefined) select(found);
  }

  /** Which of them lead anywhere from here. */
  function nameJumps(here) {
    JUMPS.forEach(([id, places, way]) => { byId(id).disabled = way(places(), here) === undefined; });
  }

  function onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !state.curves) return;
    if (!(event.target instanceof Element)) return;
    if (event.target.closest("input, select, textarea, .scroll")) return;
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    select(binOf(state.selected) + move);
  }

  // ---- Words that are kept fresh -----------------------------------------------------

  const known = {};
  /** Whether this has changed since it was last shown: what has not, keeps its focus. */
  function changed(name, content) {
    const text = JSON.stringify(content);
    if (known[name] === text) return false;
    known[name] = text;
    return true;
  }

  function figure(tile) {
    const item = element("li", undefined, tile.state || "");
    item.append(element("span", tile.label, "label"), " ", element("span", tile.value, "value"), " ",
      element("span", tile.note, "note"));
    return item;
  }

  function row(one) {
    const item = element("li", undefined, one.state);
    const when = element(one.slot ? "button" : "span", one.when, one.slot ? "" : "when");
    if (one.slot) {
      when.type = "button";
      when.dataset.slot = one.slot;
    }
    item.append(when, " ", element("strong", one.what), " ", together(one.words));
    return item;
  }

  function notice(text) {
    const made = element("p");
    const sign = element("span", "⚠");
    sign.setAttribute("aria-hidden", "true");
    made.append(sign, " ", text);
    return made;
  }

  function showNotices(notices) {
    if (!changed("notices", notices)) return;
    byId("notices").hidden = notices.length === 0;
    byId("notices").replaceChildren(...notices.map(notice));
  }

  function rows(place, lines) {
    if (!changed(place, lines)) return;
    const focused = document.activeElement && document.activeElement.dataset.slot;
    byId(place).replaceChildren(...lines.map(row));
    const again = focused && byId(place).querySelector(`[data-slot="${CSS.escape(focused)}"]`);
    if (again) again.focus();
  }

  function show(words) {
    byId("now").textContent = words.now;
    byId("mode").textContent = words.mode;
    byId("progress").textContent = words.progress ? `. ${words.progress}` : "";
    byId("forecast").textContent = together(words.forecast);
    showNotices(words.notices);
    if (changed("tiles", words.tiles)) byId("tiles").replaceChildren(...words.tiles.map(figure));
    rows("decisions", words.decisions);
    rows("alarms", words.alarms);
    byId("alarms-words").textContent = words.alarms_words;
    if (changed("facts", words.facts)) {
      byId("facts").replaceChildren(...words.facts.map(([label, value]) => {
        const box = element("div");
        box.append(element("dt", label), element("dd", value));
        return box;
      }));
    }
  }

  // ---- What if -----------------------------------------------------------------------

  let answer = null;

  const percent = (share) => {
    const value = 100 * share;
    const digits = value === 0 ? 0 : value < 0.01 ? 3 : value < 10 ? 2 : 1;
    return `${number(value, digits)} %`;
  };
  const priced = () => answer.rows.filter((one) => one.miss_price !== null)
    .sort((one, other) => one.miss_price - other.miss_price);

  function whatTiles(chosen, now) {
    const against = (name, digits, fewer) => {
      if (!now || now === chosen) return "as set now";
      const difference = chosen[name] - now[name];
      if (Number(Math.abs(difference).toFixed(digits)) === 0) return "the same as set now";
      return `${number(Math.abs(difference), digits)} ${difference > 0 ? "more" : fewer} than as set now`;
    };
    const tiles = [
      { label: "Missed requests", value: number(chosen.missed_requests),
        note: `${percent(chosen.missed_share)}; ${against("missed_requests", 0, "fewer")}` },
      { label: "Instance-hours a day", value: number(chosen.hours_per_day, 1),
        note: against("hours_per_day", 1, "fewer") },
    ];
    if (chosen.usd_per_month !== null) {
      tiles.push({ label: "Money in 30 days", value: `${number(chosen.usd_per_month, 2)} USD`,
        note: `${number(chosen.usd_per_day, 2)} a day; ${against("usd_per_month", 2, "less")}` });
    }
    return tiles;
  }

  function whatTable(chosen, money) {
    const heads = ["Setting", "Missed", "Missed requests", "Instance-hours a day",
      ...(money ? ["USD a day", "USD in 30 days"] : []), "Changes"];
    const lines = answer.rows.map((one) => [
      one.present ? `${one.name}, as set now` : one.name, percent(one.missed_share),
      number(one.missed_requests), number(one.hours_per_day, 1),
      ...(money ? [number(one.usd_per_day, 2), number(one.usd_per_month, 2)] : []),
      number(one.actions),
    ]);
    const made = table("", heads, lines, { chosen: answer.rows.indexOf(chosen) });
    return made.querySelector("table");
  }

  function showPrice() {
    const choices = priced();
    const chosen = choices[Number(byId("price").value)];
    const now = answer.rows.find((one) => one.present);
    const text = `price ${number(chosen.miss_price)}`;
    byId("price-text").textContent = text;
    byId("price").setAttribute("aria-valuetext", text);
    byId("what-tiles").replaceChildren(...whatTiles(chosen, now).map(figure));
    byId("what-table").replaceChildren(...whatTable(chosen, chosen.usd_per_month !== null).children);
  }

  const USUAL_PRICE = 20;
  /** Where on the slider a price is: prices are compared by their ratio. */
  function nearest(choices, price) {
    const far = choices.map((one) => Math.abs(Math.log(one.miss_price / Math.max(price, 1e-9))));
    return far.indexOf(Math.min(...far));
  }

  function showWhatIf(found) {
    const underWay = found.share !== null;
    const progress = byId("what-progress");
    progress.hidden = !underWay;
    if (underWay) progress.value = found.share;
    byId("what-state").textContent = found.error ? `There is no answer: ${found.error}`
      : underWay ? `Replaying the recorded days: ${Math.floor(100 * found.share)} % done. The page can be used meanwhile.`
        : found.answer ? "" : found.waits;
    byId("what-now").textContent = found.answer ? found.price_words : "";
    if (!found.answer || !changed("what-if", found.answer)) return;
    answer = found.answer;
    byId("what-answer").hidden = false;
    const choices = priced();
    const set = choices.findIndex((one) => one.present);
    byId("price").max = String(choices.length - 1);
    byId("price").value = String(set >= 0 ? set : nearest(choices, found.price_now ?? USUAL_PRICE));
    byId("what-notes").textContent = together([
      `Replayed: ${number(answer.days, 1)} days up to ${answer.until}, ${number(choices[0].total_requests)} requests.`,
      "From the days before, the model of the replay learns.",
      `An instance carries ${number(answer.capacity)} requests per interval: ${answer.capacity_from}.`,
      "What a price costs depends on the traffic: these days are no promise for the next.",
      ...(found.priced ? [] : ["AUTOSCALER_INSTANCE_HOUR_PRICE (USD) would tell it in money, too."]),
      ...answer.remarks,
    ].join(" "));
    showPrice();
  }

  // ---- News --------------------------------------------------------------------------

  async function ask(path) {
    const signal = AbortSignal.timeout(ANSWERED_WITHIN);
    const found = await fetch(path, { cache: "no-store", signal });
    if (!found.ok) throw new Error(`${path}: ${found.status}`);
    return found.json();
  }

  let first = true;

  function take(series) {
    state.version = series.version;
    if (!series.curves) return;
    state.curves = series.curves;
    byId("moment").max = String(series.curves.bins - 1);
    if (!state.chosen || state.selected < series.curves.start) {
      state.selected = timeOf(newest());
      state.chosen = false;
    }
    drawMeasured();
    if (!state.chosen) select(binOf(state.selected), false);
    else {
      // What the reader looks at stays, wherever it is.
      byId("moment").value = String(binOf(state.selected));
      if (!state.told) explain();
    }
    nameJumps(binOf(state.selected));
    if (first) listen();
    first = false;
  }

  let whatIfDue = 0;

  async function news() {
    const words = await ask("/api/now");
    show(words);
    if (words.version && words.version !== state.version) take(await ask("/api/series"));
    if (Date.now() >= whatIfDue) {
      const found = await ask("/api/what-if");
      showWhatIf(found);
      whatIfDue = found.answer && found.share === null ? Date.now() + 60000 : 0;
    }
    return words.settled;
  }

  let seen = data.now.now;
  let waiting = 0;
  let asking = false;

  /** Ask for news, and then again and again: soon, while something is under way or wrong. */
  async function follow() {
    window.clearTimeout(waiting);
    if (asking) return;
    asking = true;
    let settled = true;
    try {
      if (!document.hidden) {
        settled = await news();
        seen = byId("now").textContent;
        document.body.classList.remove("stale");
      }
    } catch (error) {
      settled = false;
      document.body.classList.add("stale");
      showNotices([`The page's server does not answer: what is shown is of ${seen}. It is asked again.`]);
    }
    asking = false;
    const usual = 1000 * data.refresh_seconds;
    waiting = window.setTimeout(follow, settled ? usual : Math.min(SOON, usual));
  }

  // ---- Start -------------------------------------------------------------------------

  function listen() {
    const binAt = (event) => event.points[0].pointIndex;
    charts.forEach((chart) => {
      chart.on("plotly_hover", (event) => readout(binAt(event)));
      chart.on("plotly_click", (event) => select(binAt(event)));
      chart.on("plotly_relayout", followZoom);
      chart.on("plotly_doubleclick", () => { state.range = null; state.hours = 0; draw(); });
    });
    new ResizeObserver(() => {
      if (width() !== drawnWidth) window.requestAnimationFrame(draw);
    }).observe(capacityChart);
  }

  makeLegend(byId("demand-legend"), demandKeys, shown, draw);
  makeLegend(byId("capacity-legend"), capacityKeys, shown, draw);
  document.querySelectorAll("[data-hours]").forEach((button) =>
    button.addEventListener("click", () => {
      state.hours = Number(button.dataset.hours);
      state.range = null;
      draw();
    }));
  const onClick = (id, act) => byId(id).addEventListener("click", () => { if (state.curves) act(); });
  onClick("zoom-in", () => zoomBy(0.5));
  onClick("zoom-out", () => zoomBy(2));
  onClick("previous", () => select(binOf(state.selected) - 1));
  onClick("next", () => select(binOf(state.selected) + 1));
  JUMPS.forEach(([id, places, way]) => onClick(id, () => jump(places, way)));
  onClick("newest", () => select(newest(), false));
  byId("moment").addEventListener("input", (event) => {
    if (state.curves) select(Number(event.target.value));
  });
  byId("price").addEventListener("input", () => { if (answer) showPrice(); });
  byId("decisions").addEventListener("click", (event) => {
    const slot = event.target instanceof Element && event.target.closest("[data-slot]");
    if (!slot || !state.curves) return;
    select(binOf(Date.parse(slot.dataset.slot)));
    byId("why").scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) follow(); });
  startTheme(draw);
  follow();
})();
