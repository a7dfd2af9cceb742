/* Draws the two charts and explains one interval at a time. No part of the page's words is
   made from HTML in strings: everything goes in as text. */
(function () {
  "use strict";

  const {
    asAxisTime, byId, chartLayout, colours, config, data, element, instances, isNarrow, makeLegend,
    intervals, millis, number, plain, startPrint, startTheme, together, widthOf, wrap,
  } = Page;
  const { table, tables } = Why;
  const bins = data.times.length;
  const demandChart = byId("demand-chart");
  const capacityChart = byId("capacity-chart");
  const latencyChart = byId("latency-chart");
  const ours = data.runs.find((run) => run.role === "ours");

  // ---- Times and numbers -------------------------------------------------------------

  const clock = (bin) => data.times[bin].slice(11, data.seconds % 60 ? 19 : 16);
  const starts = data.times.map(millis);
  const step = data.seconds * 1000;
  const whole = bins ? [starts[0], starts[bins - 1] + step] : [0, 1];

  // ---- Decisions by interval ---------------------------------------------------------

  const decisionAt = new Array(bins).fill(null);
  data.decisions.forEach((decision) => {
    if (decision.bin !== null && decision.bin < bins) decisionAt[decision.bin] = decision;
  });
  const changes = decisionAt
    .map((decision, bin) => (decision && decision.from !== decision.to ? bin : -1))
    .filter((bin) => bin >= 0);
  const missedBy = new Map(data.runs.map((run) => [run, new Set(run.missed)]));

  // ---- What can be shown or hidden ---------------------------------------------------

  const shown = {};
  const state = { selected: Math.min(data.start, Math.max(0, bins - 1)), range: whole.slice() };

  const runKey = (run) => "run " + data.runs.indexOf(run);
  const runColour = (run) =>
    ({ ours: "--ours", rival: "--rival", oracle: "--oracle", other: "--other" })[run.role];
  const runDash = (run) => ({ ours: "solid", rival: "dash", oracle: "dot", other: "dashdot" })[run.role];
  const others = data.runs.filter((run) => run.role !== "ours");
  const stripRuns = data.runs.filter((run) => run.role === "ours" || run.role === "rival");

  const demandKeys = [
    { key: "demand", name: "demand", colour: "--demand", look: "line" },
    { key: "median", name: "forecast, median", colour: "--ours", look: "dash" },
    { key: "band", name: "forecast, 90 % band", colour: "--band", look: "area" },
  ];
  const capacityKeys = [
    { key: "needed", name: "needed", colour: "--needed-fill", edge: "--needed", look: "area" },
  ];
  if (ours) {
    capacityKeys.push(
      { key: "ready", name: ours.name + ", served", colour: "--ours", look: "line" },
      { key: "asked", name: ours.name + ", asked for", colour: "--ours", look: "dot" },
      { key: "changes", name: "change", colour: "--ours", look: "triangle" },
      { key: "missed", name: "missed", colour: "--missed", look: "block" }
    );
  }
  others.forEach((run) =>
    capacityKeys.push({
      key: runKey(run), name: run.name + ", served", colour: runColour(run), look: runDash(run),
      hidden: run.role !== "rival",
    })
  );
  const timed = data.runs.filter((run) => run.p95);
  const latencyKeys = timed.map((run) => ({
    key: "p95 " + runKey(run), name: run.name + ", 95th percentile", colour: runColour(run),
    look: runDash(run) === "solid" ? "line" : runDash(run),
  }));
  [...demandKeys, ...capacityKeys, ...latencyKeys].forEach((item) => { shown[item.key] = !item.hidden; });

  // ---- Words in the charts -----------------------------------------------------------

  const width = () => widthOf(capacityChart);
  const narrow = () => isNarrow(width());

  const wrapped = (text) => wrap(text, narrow() ? 24 : 44);

  function capacityLabel(bin) {
    const lines = [`<b>${clock(bin)} UTC</b>`];
    const counts = [`needed ${instances(data.needed[bin])}`];
    if (ours) counts.push(`served ${instances(ours.ready[bin])}`, `asked ${instances(ours.asked[bin])}`);
    lines.push(wrapped(counts.join(", ")));
    stripRuns.forEach((run) => {
      if (missedBy.get(run).has(bin)) lines.push(wrapped(`missed: ${run.name}`));
    });
    const decision = decisionAt[bin];
    lines.push(decision ? wrapped(decision.head) : "no decision recorded");
    return lines.join("<br>");
  }

  function demandLabel(bin) {
    const band = data.band;
    const lines = [`<b>${clock(bin)} UTC</b>`, `demand ${number(data.demand[bin])}`];
    if (band.median[bin] === null) lines.push("no forecast");
    else {
      lines.push(`forecast ${number(band.median[bin])}`);
      lines.push(`(${number(band.lower[bin])} to ${number(band.upper[bin])})`);
    }
    return lines.join("<br>");
  }

  // ---- Traces ------------------------------------------------------------------------

  /** A step curve keeps its last value until the last interval ends. */
  const stepTimes = [...data.times, ...(bins ? [asAxisTime(whole[1])] : [])];
  const stepValues = (values) => [...values, ...(bins ? [values[bins - 1]] : [])];

  const line = (values, colour, width, dash) => ({
    x: stepTimes, y: stepValues(values), type: "scatter", mode: "lines", hoverinfo: "skip",
    line: { color: colour, width, dash, shape: "hv" },
  });

  /** One closed outline for each stretch that has a forecast. */
  function bandOutline() {
    const x = [], y = [];
    let first = 0;
    while (first < bins) {
      if (data.band.lower[first] === null || data.band.upper[first] === null) { first += 1; continue; }
      let end = first;
      while (end < bins && data.band.lower[end] !== null && data.band.upper[end] !== null) end += 1;
      for (let bin = first; bin < end; bin += 1) {
        x.push(data.times[bin], stepTimes[bin + 1]);
        y.push(data.band.upper[bin], data.band.upper[bin]);
      }
      for (let bin = end - 1; bin >= first; bin -= 1) {
        x.push(stepTimes[bin + 1], data.times[bin]);
        y.push(data.band.lower[bin], data.band.lower[bin]);
      }
      x.push(null);
      y.push(null);
      first = end;
    }
    return { x, y };
  }
  const outline = bandOutline();

  const middle = data.times.map((_, bin) => asAxisTime(starts[bin] + step / 2));

  /** Unseen points that carry the labels: one label per interval, wherever the pointer is. */
  const carrier = (heights, label, axis) => ({
    x: middle, y: heights, yaxis: axis, type: "scatter", mode: "markers",
    marker: { size: 1, opacity: 0 },
    hovertemplate: data.times.map((_, bin) => label(bin) + "<extra></extra>"),
  });

  function demandTraces(colour) {
    return [
      { ...outline, type: "scatter", mode: "lines", fill: "toself", hoverinfo: "skip",
        fillcolor: colour("--band"), line: { width: 0 }, visible: shown.band },
      { ...line(data.band.median, colour("--ours"), 1.5, "dash"), visible: shown.median },
      { ...line(data.demand, colour("--demand"), 1.7, "solid"), visible: shown.demand },
      carrier(data.demand.map((value) => value || 0), demandLabel, "y"),
    ];
  }

  function shortage(run, colour) {
    const places = run.missed;
    return {
      type: "bar", hoverinfo: "skip", visible: shown.missed,
      x: places.map((bin) => data.times[bin]), width: step, offset: 0,
      base: places.map((bin) => run.ready[bin] || 0),
      y: places.map((bin) => Math.max(0, (data.needed[bin] || 0) - (run.ready[bin] || 0))),
      marker: { color: colour("--missed"), line: { width: 0 } },
    };
  }

  function changeMarkers(colour) {
    const up = (bin) => decisionAt[bin].to > decisionAt[bin].from;
    return {
      type: "scatter", mode: "markers", hoverinfo: "skip", visible: shown.changes,
      x: changes.map((bin) => data.times[bin]), y: changes.map((bin) => decisionAt[bin].to),
      marker: {
        symbol: changes.map((bin) => (up(bin) ? "triangle-up" : "triangle-down")),
        size: narrow() ? 6 : 9, color: colour("--ours"),
        line: { color: colour("--card"), width: narrow() ? 0 : 1 },
      },
    };
  }

  function stripTrace(run, row, colour) {
    return {
      type: "bar", hoverinfo: "skip", yaxis: "y2", visible: shown.missed,
      x: run.missed.map((bin) => asAxisTime(starts[bin] + step / 2)),
      // On a narrow screen an interval is about a pixel wide, so the bars are widened.
      width: Math.max(step, 2.5 * millisPerPixel()),
      base: run.missed.map(() => row + 0.08), y: run.missed.map(() => 0.32),
      marker: { color: colour("--missed"), line: { width: 0 } },
    };
  }

  const millisPerPixel = () =>
    (state.range[1] - state.range[0]) / Math.max(100, width() - 60);

  function capacityTraces(colour) {
    const traces = [
      { ...line(data.needed, colour("--needed"), 1, "solid"), fill: "tozeroy",
        fillcolor: colour("--needed-fill"), visible: shown.needed },
      ...(ours ? [shortage(ours, colour)] : []),
      ...others.map((run) => ({
        ...line(run.ready, colour(runColour(run)), 1.7, runDash(run)), visible: shown[runKey(run)],
      })),
    ];
    if (ours) {
      traces.push(
        { ...line(ours.asked, colour("--ours"), 1.3, "dot"), visible: shown.asked },
        { ...line(ours.ready, colour("--ours"), 2.4, "solid"), visible: shown.ready },
        changeMarkers(colour)
      );
    }
    stripRuns.forEach((run, index) => traces.push(stripTrace(run, stripRow(index), colour)));
    const height = data.needed.map((value, bin) => Math.max(value || 0, ours ? ours.ready[bin] || 0 : 0));
    traces.push(
      carrier(height, capacityLabel, "y"),
      carrier(height.map(() => stripRuns.length), capacityLabel, "y2")
    );
    return traces;
  }

  const stripRow = (index) => stripRuns.length - 1 - index;

  function latencyLabel(bin) {
    const lines = timed.map((run) =>
      `${run.name}: ${run.p95[bin] === null ? "no request" : run.p95[bin].toFixed(2) + " s"}`);
    return [`<b>${clock(bin)} UTC</b>`, ...lines.map(wrapped)].join("<br>");
  }

  function latencyTraces(colour) {
    const heights = data.times.map((_, bin) => Math.max(...timed.map((run) => run.p95[bin] || 0)));
    return [
      ...timed.map((run) => ({
        ...line(run.p95, colour(runColour(run)), 2, runDash(run)), visible: shown["p95 " + runKey(run)],
      })),
      carrier(heights, latencyLabel, "y"),
    ];
  }

  // ---- Layout ------------------------------------------------------------------------

  function cursor(colour) {
    if (!bins) return [];
    return [{
      type: "rect", xref: "x", yref: "paper", layer: "below", y0: 0, y1: 1,
      x0: asAxisTime(starts[state.selected] - millisPerPixel()),
      x1: asAxisTime(starts[state.selected] + step + millisPerPixel()),
      fillcolor: colour("--ink"), opacity: 0.28, line: { width: 0 },
    }];
  }

  /** The grounds on which the missed intervals of each run lie. */
  function stripTracks(colour) {
    return stripRuns.map((_, index) => ({
      type: "rect", xref: "paper", x0: 0, x1: 1, yref: "y2", layer: "below",
      y0: stripRow(index) + 0.08, y1: stripRow(index) + 0.4,
      fillcolor: colour("--grid"), line: { width: 0 },
    }));
  }

  function baseLayout(colour, chart) {
    const layout = chartLayout(colour, width(), chart.clientHeight);
    layout.shapes = cursor(colour);
    Object.assign(layout.xaxis, {
      range: state.range.map(asAxisTime), hoverformat: "%H:%M UTC",
      title: { text: "time of day (UTC)", font: { size: 12 }, standoff: 6 },
    });
    return layout;
  }

  function demandLayout(colour) {
    const layout = baseLayout(colour, demandChart);
    if (!data.demand.some((value) => value > 0)) layout.yaxis.range = [0, 1];
    return layout;
  }

  function capacityLayout(colour) {
    const layout = baseLayout(colour, capacityChart);
    const most = Math.max(...[data.needed, ...data.runs.map((run) => run.asked)].flat());
    if (most < 7) Object.assign(layout.yaxis, { tick0: 0, dtick: 1 });
    const top = 0.075 * stripRuns.length;
    layout.yaxis.domain = [stripRuns.length ? top + 0.04 : 0, 1];
    layout.xaxis.anchor = stripRuns.length ? "y2" : "y";
    layout.yaxis2 = {
      domain: [0, top], range: [0, Math.max(1, stripRuns.length)], fixedrange: true, showgrid: false,
      showticklabels: false, zeroline: false, anchor: "x",
    };
    layout.shapes = [...stripTracks(colour), ...cursor(colour)];
    layout.annotations = stripRuns.map((run, index) => ({
      xref: "paper", x: 0, xanchor: "left", yref: "y2", y: stripRow(index) + 0.7, yanchor: "middle",
      showarrow: false, font: { size: 11, color: colour("--soft") },
      text: plain(`missed by ${run.name}: ${intervals(run.missed.length)}`),
    }));
    return layout;
  }

  function latencyLayout(colour) {
    const layout = baseLayout(colour, latencyChart);
    layout.shapes = [...objectiveLine(colour), ...cursor(colour)];
    layout.yaxis.tickformat = ".2~f";
    layout.annotations = [{
      xref: "paper", x: 1, xanchor: "right", yref: "y", y: data.objective, yanchor: "bottom",
      showarrow: false, font: { size: 11, color: colour("--soft") }, text: "objective",
    }];
    return layout;
  }

  const objectiveLine = (colour) => [{
    type: "line", xref: "paper", x0: 0, x1: 1, yref: "y", y0: data.objective, y1: data.objective,
    line: { color: colour("--missed"), width: 1.5, dash: "dot" },
  }];

  // ---- Drawing -----------------------------------------------------------------------

  let drawnWidth = 0;

  function draw() {
    if (!bins) return;
    drawnWidth = width();
    const colour = colours();
    Plotly.react(demandChart, demandTraces(colour), demandLayout(colour), config);
    Plotly.react(capacityChart, capacityTraces(colour), capacityLayout(colour), config);
    if (timed.length) Plotly.react(latencyChart, latencyTraces(colour), latencyLayout(colour), config);
    byId("zoom-all").disabled = byId("zoom-out").disabled =
      state.range[1] - state.range[0] >= whole[1] - whole[0];
  }

  function moveCursor() {
    const colour = colours();
    Plotly.relayout(demandChart, { shapes: cursor(colour) });
    Plotly.relayout(capacityChart, { shapes: [...stripTracks(colour), ...cursor(colour)] });
    if (timed.length) {
      Plotly.relayout(latencyChart, { shapes: [...objectiveLine(colour), ...cursor(colour)] });
    }
  }

  function setRange(from, to) {
    const least = 6 * step;
    const length = Math.min(Math.max(to - from, least), whole[1] - whole[0]);
    const begin = Math.min(Math.max(from, whole[0]), whole[1] - length);
    state.range = [begin, begin + length];
    draw();
  }

  function zoomBy(factor) {
    const length = (state.range[1] - state.range[0]) * factor;
    const inside = starts[state.selected] >= state.range[0] && starts[state.selected] <= state.range[1];
    const centre = inside ? starts[state.selected] : (state.range[0] + state.range[1]) / 2;
    setRange(centre - length / 2, centre + length / 2);
  }

  function followZoom(event) {
    if (event["xaxis.autorange"]) return setRange(...whole);
    const range = event["xaxis.range"] || [event["xaxis.range[0]"], event["xaxis.range[1]"]];
    if (range[0] === undefined || range[1] === undefined) return undefined;
    return setRange(...range.map((text) => millis(String(text).slice(0, 19))));
  }

  // ---- Why? --------------------------------------------------------------------------

  function values(bin) {
    const band = data.band;
    const rows = [
      ["demand", `${number(data.demand[bin])} requests`],
      ["forecast of it", band.median[bin] === null ? "none"
        : `${number(band.median[bin])} (${number(band.lower[bin])} to ${number(band.upper[bin])})`],
      ["instances needed", instances(data.needed[bin])],
    ];
    if (ours) rows.push(["asked for", instances(ours.asked[bin])]);
    data.runs.forEach((run) => {
      const missed = missedBy.get(run).has(bin) ? ", missed" : "";
      rows.push([`served, ${run.name}`, instances(run.ready[bin]) + missed]);
    });
    const box = table("In this interval", null, rows);
    box.querySelectorAll("td").forEach((cell) => {
      if (cell.textContent.endsWith(", missed")) cell.className = "missed-text";
    });
    return box;
  }

  function explain() {
    const bin = state.selected;
    const decision = decisionAt[bin];
    byId("why-time").textContent = `${data.times[bin].slice(0, 10)}, ${clock(bin)} UTC`;
    byId("moment").value = String(bin);
    byId("moment").setAttribute("aria-valuetext", `${clock(bin)} UTC`);
    byId("previous").disabled = bin === 0;
    byId("next").disabled = bin === bins - 1;
    byId("why-head").textContent = decision
      ? together(decision.head) : "No decision was recorded for this interval.";
    const words = decision ? [...decision.text, decision.outcome] : [];
    byId("why-text").replaceChildren(...words.map((text) => element("p", text)));
    byId("why-values").replaceChildren(values(bin));
    byId("why-tables").replaceChildren(...(decision ? tables(decision) : []));
  }

  function select(bin) {
    const wanted = Math.min(Math.max(bin, 0), bins - 1);
    if (wanted === state.selected) return;
    state.selected = wanted;
    explain();
    const begin = starts[wanted];
    const length = state.range[1] - state.range[0];
    if (begin < state.range[0] || begin + step > state.range[1]) {
      setRange(begin - length / 2, begin + length / 2);
    } else moveCursor();
  }

  /** The next of these bins, from the first again after the last. */
  const nextOf = (places) => places.find((bin) => bin > state.selected) ?? places[0];

  function onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!(event.target instanceof Element)) return;
    if (event.target.closest("input, select, textarea, .scroll")) return;
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    select(state.selected + move);
  }

  // ---- Start -------------------------------------------------------------------------

  function start() {
    makeLegend(byId("demand-legend"), demandKeys, shown, draw);
    makeLegend(byId("capacity-legend"), capacityKeys, shown, draw);
    if (timed.length) makeLegend(byId("latency-legend"), latencyKeys, shown, draw);
    draw();
    explain();
    [demandChart, capacityChart, ...(timed.length ? [latencyChart] : [])].forEach((chart) => {
      chart.on("plotly_click", (event) => select(event.points[0].pointIndex));
      chart.on("plotly_relayout", followZoom);
      chart.on("plotly_doubleclick", () => setRange(...whole));
    });
    byId("moment").max = String(bins - 1);
    byId("moment").value = String(state.selected);
    byId("moment").addEventListener("input", (event) => select(Number(event.target.value)));
    byId("previous").addEventListener("click", () => select(state.selected - 1));
    byId("next").addEventListener("click", () => select(state.selected + 1));
    const jumps = { "next-change": changes, "next-miss": ours ? ours.missed : [] };
    Object.entries(jumps).forEach(([id, places]) => {
      byId(id).disabled = places.length === 0;
      byId(id).addEventListener("click", () => select(nextOf(places)));
    });
    byId("zoom-in").addEventListener("click", () => zoomBy(0.5));
    byId("zoom-out").addEventListener("click", () => zoomBy(2));
    byId("zoom-all").addEventListener("click", () => setRange(...whole));
    document.addEventListener("keydown", onKey);
    new ResizeObserver(() => {
      if (width() !== drawnWidth) window.requestAnimationFrame(draw);
    }).observe(capacityChart);
    startPrint();
  }

  startTheme(draw);
  if (bins) start();
  else {
    byId("charts").hidden = true;
    byId("why").hidden = true;
  }
})();
