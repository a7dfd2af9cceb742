/* Draws each trace's overview and one of its days, when a reader comes near it. */
(function () {
  "use strict";

  const {
    asAxisTime, chartLayout, colours, config, data, element, instances, isNarrow, makeLegend,
    intervals, millis, plain, startPrint, startTheme, together, widthOf,
  } = Page;
  const RUN_COLOURS = 10;
  const ROW = 22;
  const DAY = 24 * 3600 * 1000;
  const NEAR = "600px";

  const seconds = (text) => (text.length === 16 ? text + ":00" : text);

  /** A step curve keeps its last value until the last interval ends. */
  const held = (values) => [...values, values[values.length - 1]];

  function stepLine(times, values, colour, width, dash) {
    return {
      x: times, y: held(values), type: "scatter", mode: "lines", hoverinfo: "skip",
      line: { color: colour, width, dash, shape: "hv" },
    };
  }

  function demandArea(times, values, colour, visible) {
    return {
      ...stepLine(times, values, colour("--needed"), 1, "solid"), visible,
      fill: "tozeroy", fillcolor: colour("--needed-fill"),
    };
  }

  /** Unseen points that carry the labels. */
  function carrier(times, heights, labels, axis) {
    return {
      x: times, y: heights, yaxis: axis, type: "scatter", mode: "markers",
      marker: { size: 1, opacity: 0 },
      hovertemplate: labels.map((label) => label + "<extra></extra>"),
    };
  }

  // ---- Rows of missed intervals under a chart ----------------------------------------

  function missedRows(rows, starts, step, range, width, colour) {
    const least = (2.5 * (range[1] - range[0])) / Math.max(100, width - 60);
    return rows.map((row, index) => ({
      type: "bar", hoverinfo: "skip", yaxis: "y2",
      x: row.missed.map((bin) => asAxisTime(starts[bin] + step / 2)), width: Math.max(step, least),
      base: row.missed.map(() => rows.length - 1 - index + 0.08), y: row.missed.map(() => 0.32),
      marker: { color: colour("--missed"), line: { width: 0 } },
    }));
  }

  function addRows(layout, rows, colour) {
    const share = (rows.length * ROW) / Math.max(1, layout.height - layout.margin.t - layout.margin.b);
    layout.yaxis.domain = [rows.length ? share + 0.03 : 0, 1];
    layout.xaxis.anchor = rows.length ? "y2" : "y";
    layout.yaxis2 = {
      domain: [0, share], range: [0, Math.max(1, rows.length)], fixedrange: true, showgrid: false,
      showticklabels: false, zeroline: false, anchor: "x",
    };
    layout.shapes = rows.map((_, index) => ({
      type: "rect", xref: "paper", x0: 0, x1: 1, yref: "y2", layer: "below",
      y0: rows.length - 1 - index + 0.08, y1: rows.length - 1 - index + 0.4,
      fillcolor: colour("--grid"), line: { width: 0 },
    }));
    layout.annotations = rows.map((row, index) => ({
      xref: "paper", x: 0, xanchor: "left", yref: "y2", y: rows.length - 1 - index + 0.7,
      yanchor: "middle", showarrow: false, font: { size: 11, color: colour("--soft") },
      text: plain(together(`missed by ${row.name}: ${intervals(row.missed_intervals)}`)),
    }));
  }

  // ---- One trace ---------------------------------------------------------------------

  function traceView(trace, section) {
    const find = (selector) => section.querySelector(selector);
    const overviewChart = find(".overview"), dayChart = find(".day"), slider = find("input");
    const dayButtons = [...section.querySelectorAll(".days button")];
    const oursAt = trace.runs.findIndex((run) => run.role === "ours");
    const looks = trace.runs.map(look);
    const shown = {}, overviewShown = {};
    const state = { day: 0, bin: 0, range: null };
    let days = trace.days.map(dayTimes);

    function dayTimes(day) {
      const starts = day.times.map(millis), step = trace.seconds * 1000;
      const end = starts[starts.length - 1] + step;
      return {
        ...day, starts, step, whole: [starts[0], end], steps: [...day.times, asAxisTime(end)],
        missedSets: day.missed.map((places) => new Set(places)),
      };
    }

    function look(run, index) {
      const others = trace.runs.slice(0, index).filter((one) => one.role === "other").length;
      const own = { ours: "--ours", rival: "--rival", oracle: "--oracle" }[run.role];
      return {
        colour: own || `--run-${others % RUN_COLOURS}`, key: "run " + index,
        dash: { ours: "solid", rival: "dash", oracle: "dot" }[run.role]
          || (others % 2 ? "dash" : "dashdot"),
      };
    }

    const dayKeys = [
      { key: "demand", name: "demand, in instances", colour: "--needed-fill", edge: "--needed", look: "area" },
    ];
    trace.runs.forEach((run, index) => {
      const item = {
        key: looks[index].key, name: run.name, colour: looks[index].colour,
        look: looks[index].dash === "solid" ? "line" : looks[index].dash,
        hidden: run.role !== "ours" && run.role !== "rival",
      };
      if (index === oursAt) item.name += ", served";
      dayKeys.push(item);
      if (index === oursAt) {
        dayKeys.push({ key: "asked", name: run.name + ", asked for", colour: item.colour, look: "dot" });
      }
    });
    dayKeys.push({ key: "missed", name: "missed", colour: "--missed", look: "block" });
    dayKeys.forEach((item) => { shown[item.key] = !item.hidden; });

    const visibleRuns = () => trace.runs.map((_, index) => index).filter((i) => shown[looks[i].key]);

    // ---- The overview ----------------------------------------------------------------

    const overview = trace.overview;
    const overviewTimes = overview.times.map(seconds);
    const overviewStarts = overviewTimes.map(millis);
    const overviewStep = overview.seconds * 1000;
    const overviewEnd = overviewStarts[overviewStarts.length - 1] + overviewStep;
    const overviewSteps = [...overviewTimes, asAxisTime(overviewEnd)];
    const overviewKeys = [
      { key: "demand", name: "demand, in instances", colour: "--needed-fill", edge: "--needed", look: "area" },
      ...overview.runs.map((run, index) => ({
        key: "run " + index, name: run.name + ", asked for",
        colour: colourOf(run.name), look: index ? "dash" : "line", hidden: index > 0,
      })),
    ];
    overviewKeys.forEach((item) => { overviewShown[item.key] = !item.hidden; });

    function colourOf(name) {
      return looks[trace.runs.findIndex((run) => run.name === name)].colour;
    }

    function drawOverview(colour) {
      const width = widthOf(overviewChart);
      const layout = chartLayout(colour, width, overviewChart.clientHeight);
      layout.margin.b = 24;
      const range = [overviewStarts[0], overviewEnd];
      const labels = overviewTimes.map((time, bin) => [
        `<b>${time.slice(0, 16)} UTC</b>`, `demand ${instances(overview.demand[bin])}`,
        ...overview.runs.map((run) => plain(`${run.name} ${instances(run.asked[bin])}`)),
      ].join("<br>"));
      const traces = [
        demandArea(overviewSteps, overview.demand, colour, overviewShown.demand),
        ...overview.runs.map((run, index) => ({
          ...stepLine(overviewSteps, run.asked, colour(colourOf(run.name)), 1.2, "solid"),
          visible: overviewShown["run " + index],
        })).reverse(),
        ...missedRows(overview.runs, overviewStarts, overviewStep, range, width, colour),
        carrier(overviewTimes, overview.demand.map((value) => value || 0), labels, "y"),
      ];
      addRows(layout, overview.runs, colour);
      layout.shapes.push(...days.map((day, index) => ({
        type: "rect", xref: "x", yref: "paper", layer: "below", y0: 0, y1: 1,
        x0: asAxisTime(day.whole[0]), x1: asAxisTime(day.whole[1]), line: { width: 0 },
        fillcolor: colour("--ours"), opacity: index === state.day ? 0.32 : 0.12,
      })));
      Object.assign(layout.xaxis, {
        range: range.map(asAxisTime),
        // Whole days: an axis that says so twice of one day says nothing.
        dtick: DAY * Math.ceil((range[1] - range[0]) / DAY / (isNarrow(width) ? 4 : 10)),
        fixedrange: true, tickformatstops: undefined, tickformat: "%-d %b", hoverformat: "%-d %b",
      });
      layout.yaxis.nticks = 4;
      layout.dragmode = false;
      Plotly.react(overviewChart, traces, layout, config);
    }

    // ---- One day ---------------------------------------------------------------------

    const clock = (day, bin) => day.times[bin].slice(11, trace.seconds % 60 ? 19 : 16);

    function values(day, bin) {
      const said = [`demand: ${instances(day.demand[bin])}`];
      visibleRuns().forEach((index) => {
        const missed = day.missedSets[index].has(bin) ? ", missed" : "";
        const asked = index === oursAt ? ` (asked for ${instances(day.asked[bin])})` : "";
        said.push(`${trace.runs[index].name}: ${instances(day.ready[index][bin])}${asked}${missed}`);
      });
      return said;
    }

    function shortage(day, colour, width) {
      const run = oursAt >= 0 && shown[looks[oursAt].key] ? oursAt : visibleRuns()[0];
      if (run === undefined) return [];
      // As areas, since plotly draws bars beneath areas, where demand would hide them.
      const x = [], y = [];
      day.missed[run].forEach((bin) => {
        const served = day.ready[run][bin] || 0, wanted = day.demand[bin] || 0;
        const from = day.steps[bin], to = day.steps[bin + 1];
        x.push(from, from, to, to, from, null);
        y.push(served, wanted, wanted, served, served, null);
      });
      const paint = colour("--missed");
      return [{
        x, y, type: "scatter", mode: "lines", fill: "toself", fillcolor: paint, hoverinfo: "skip",
        line: { color: paint, width: isNarrow(width) ? 1.5 : 1 }, visible: shown.missed,
      }];
    }

    function dayTraces(day, rows, colour, width) {
      const middle = day.starts.map((start) => asAxisTime(start + day.step / 2));
      const labels = day.times.map((_, bin) =>
        [`<b>${clock(day, bin)} UTC</b>`, ...values(day, bin).map(plain)].map(together).join("<br>"));
      const line = (index, thick) => ({
        ...stepLine(day.steps, day.ready[index], colour(looks[index].colour), thick, looks[index].dash),
        visible: shown[looks[index].key],
      });
      const traces = [demandArea(day.steps, day.demand, colour, shown.demand), ...shortage(day, colour, width)];
      trace.runs.forEach((_, index) => { if (index !== oursAt) traces.push(line(index, 1.7)); });
      if (oursAt >= 0) {
        traces.push({
          ...stepLine(day.steps, day.asked, colour("--ours"), 1.3, "dot"), visible: shown.asked,
        }, line(oursAt, 2.4));
      }
      traces.push(
        ...missedRows(rows, day.starts, day.step, state.range, width, colour),
        carrier(middle, day.demand.map((value) => value || 0), labels, "y"),
        carrier(middle, day.demand.map(() => rows.length), labels, "y2")
      );
      return traces;
    }

    function cursor(day, colour, width) {
      const wide = (state.range[1] - state.range[0]) / Math.max(100, width - 60);
      return {
        type: "rect", xref: "x", yref: "paper", layer: "below", y0: 0, y1: 1,
        x0: asAxisTime(day.starts[state.bin] - wide),
        x1: asAxisTime(day.starts[state.bin] + day.step + wide),
        fillcolor: colour("--ink"), opacity: 0.28, line: { width: 0 },
      };
    }

    function drawDay(colour) {
      const day = days[state.day], width = widthOf(dayChart);
      const rows = shown.missed
        ? visibleRuns().map((index) => ({
            name: trace.runs[index].name,
            missed: day.missed[index],
            missed_intervals: day.missed[index].length,
          }))
        : [];
      const extra = Math.max(0, rows.length - 2) * ROW;
      dayChart.style.height = `${(isNarrow(width) ? 360 : 400) + extra}px`;
      const layout = chartLayout(colour, width, dayChart.clientHeight);
      addRows(layout, rows, colour);
      layout.shapes.push(cursor(day, colour, width));
      layout.dragmode = false;
      Object.assign(layout.xaxis, {
        range: state.range.map(asAxisTime), hoverformat: "%H:%M UTC", fixedrange: true,
        title: { text: "time of day (UTC)", font: { size: 12 }, standoff: 6 },
      });
      Plotly.react(dayChart, dayTraces(day, rows, colour, width), layout, config);
    }

    function readOut() {
      const day = days[state.day];
      const text = [clock(day, state.bin) + " UTC", ...values(day, state.bin)].join(" · ");
      slider.value = String(state.bin);
      slider.setAttribute("aria-valuetext", `${clock(day, state.bin)} UTC`);
      find(".readout").replaceChildren(element("span", text));
    }

    // ---- Reader's choices ------------------------------------------------------------

    function draw() {
      const colour = colours();
      drawOverview(colour);
      drawDay(colour);
      readOut();
      const day = days[state.day];
      find(".zoom-out").disabled = state.range[0] === day.whole[0] && state.range[1] === day.whole[1];
    }

    /** The day's first miss of ours, or of anyone shown, or else its busiest interval. */
    function whereToLook(day) {
      const order = [oursAt, ...visibleRuns()].filter((index) => index >= 0);
      const found = order.find((index) => day.missed[index].length);
      if (found !== undefined) return day.missed[found][0];
      const known = day.demand.map((value) => value || 0);
      return known.indexOf(Math.max(...known));
    }

    function openDay(index) {
      state.day = index;
      state.bin = whereToLook(days[index]);
      state.range = days[index].whole.slice();
      slider.max = String(days[index].times.length - 1);
      dayButtons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
    }

    function moveTo(bin) {
      const day = days[state.day];
      state.bin = Math.min(Math.max(bin, 0), day.times.length - 1);
      const start = day.starts[state.bin], length = state.range[1] - state.range[0];
      if (start < state.range[0] || start >= state.range[1]) setRange(start - length / 2, length);
      drawDay(colours());
      readOut();
    }

    function setRange(from, wanted) {
      const [first, end] = days[state.day].whole;
      const length = Math.min(Math.max(wanted, 6 * days[state.day].step), end - first);
      const begin = Math.min(Math.max(from, first), end - length);
      state.range = [begin, begin + length];
    }

    function zoomIn() {
      const length = (state.range[1] - state.range[0]) / 2;
      setRange(days[state.day].starts[state.bin] - length / 2, length);
      draw();
    }

    function start() {
      openDay(0);
      makeLegend(find(".overview-legend"), overviewKeys, overviewShown, draw);
      makeLegend(find(".day-legend"), dayKeys, shown, draw);
      draw();
      dayButtons.forEach((button, index) =>
        button.addEventListener("click", () => { openDay(index); draw(); }));
      slider.addEventListener("input", () => moveTo(Number(slider.value)));
      find(".zoom-in").addEventListener("click", zoomIn);
      find(".zoom-out").addEventListener("click", () => { openDay(state.day); draw(); });
      dayChart.on("plotly_click", (event) => moveTo(event.points[0].pointIndex));
    }

    let drawnWidth = 0;
    const width = () => widthOf(dayChart);
    return {
      section,
      started: false,
      open() {
        if (this.started) return;
        this.started = true;
        drawnWidth = width();
        start();
      },
      redraw() { if (this.started) { drawnWidth = width(); draw(); } },
      resized() { if (this.started && width() !== drawnWidth) this.redraw(); },
    };
  }

  // ---- Start -------------------------------------------------------------------------

  const views = data.traces
    .map((trace, index) => [trace, document.getElementById("trace-" + index)])
    .filter(([trace]) => trace.days.length)
    .map(([trace, section]) => traceView(trace, section));

  startTheme(() => views.forEach((view) => view.redraw()));
  window.addEventListener("beforeprint", () => views.forEach((view) => view.open()));
  startPrint();

  const near = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
      near.unobserve(entry.target);
      views.find((view) => view.section === entry.target).open();
    });
  }, { rootMargin: NEAR });
  views.forEach((view) => near.observe(view.section));
  new ResizeObserver(() => {
    window.requestAnimationFrame(() => views.forEach((view) => view.resized()));
  }).observe(document.body);
})();
