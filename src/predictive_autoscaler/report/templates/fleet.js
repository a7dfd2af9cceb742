/* A click on a heading sorts the table; one more turns it round. */
(function () {
  "use strict";

  const table = Page.byId("groups");
  const headings = Array.from(table.tHead.rows[0].cells);

  /** Numbers by size, words by letter, and what is not known last. */
  function compare(one, other) {
    if (one === "" || other === "") return (one === "") - (other === "");
    const difference = Number(one) - Number(other);
    return Number.isNaN(difference) ? one.localeCompare(other) : difference;
  }

  function sortBy(column, direction) {
    const key = (row) => row.cells[column].dataset.key;
    const rows = Array.from(table.tBodies[0].rows);
    rows.sort((one, other) => {
      const known = key(one) !== "" && key(other) !== "";
      return (known ? direction : 1) * compare(key(one), key(other));
    });
    table.tBodies[0].append(...rows);
    headings.forEach((heading) => heading.removeAttribute("aria-sort"));
    headings[column].setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
  }

  headings.forEach((heading, column) => {
    const button = Page.element("button", heading.textContent);
    button.type = "button";
    button.addEventListener("click", () => {
      sortBy(column, heading.getAttribute("aria-sort") === "ascending" ? -1 : 1);
    });
    heading.replaceChildren(button);
  });

  Page.startTheme(() => {});
  Page.startPrint();
})();
