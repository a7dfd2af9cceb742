/* The tables behind one decision. */
const Why = (function () {
  "use strict";

  const { element } = Page;

  function table(title, head, rows, options = {}) {
    const box = element("div");
    box.append(element("h3", title));
    const made = element("table");
    const words = options.words || [];
    if (head) {
      const row = element("tr");
      head.forEach((text, column) => {
        const cell = element("th", text, words.includes(column) ? "words" : "");
        cell.scope = "col";
        row.append(cell);
      });
      const top = element("thead");
      top.append(row);
      made.append(top);
    }
    const body = element("tbody");
    rows.forEach((cells, index) => {
      const row = element("tr", undefined, options.chosen === index ? "chosen" : "");
      cells.forEach((text, column) => {
        const cell = element(column ? "td" : "th", String(text), words.includes(column) ? "words" : "");
        if (!column) cell.scope = "row";
        row.append(cell);
      });
      body.append(row);
    });
    made.append(body);
    box.append(made);
    if (options.note) box.append(element("p", options.note, "hint"));
    return box;
  }

  function tables(decision) {
    const made = [];
    if (decision.candidates.length) {
      const chosen = decision.candidates.findIndex((row) => row[0] === decision.wish);
      const priced = decision.candidates[0].length > 2;
      const heads = ["instances", "expected missed", ...(priced ? ["cost"] : [])];
      const unit = "Cost in instance-intervals until the next chance, misses included. ";
      made.push(table(priced ? "Capacities weighed" : "Capacities around it", heads,
        decision.candidates, {
          chosen,
          note: (priced ? unit : "") + "Tinted: what the forecast calls for.",
        }));
    }
    const none = decision.quantiles.length ? "none: the forecast decided alone" : "none";
    const rules = decision.policies.map((row) => [row[0], `${row[1]} → ${row[2]}`, row[3]]);
    made.push(rules.length
      ? table("Rules that changed it", ["rule", "instances", "because"], rules, { words: [2] })
      : table("Rules that changed it", null, [[none]]));
    if (decision.quantiles.length) {
      made.push(table("Forecast", ["chance", "at most"], decision.quantiles, {
        note: "Requests per interval that are not exceeded with that chance.",
      }));
    }
    return made;
  }

  return { table, tables };
})();
