"use strict";
// Sorts a table by a column: numbers as numbers, what is not known last, ties as they were.
const MINUS = /\u2212/g, COMMA = /,/g;
function value(row, column) {
  const text = row.cells[column].textContent.trim();
  if (text === "" || text === "–") return null;
  const number = Number(text.replace(MINUS, "-").replace(COMMA, ""));
  return Number.isNaN(number) ? text : number;
}
function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
// Says which tables are wider or longer than their box.
const boxes = document.querySelectorAll(".scroll");
function mark() {
  for (const box of boxes) {
    box.classList.toggle("wide", box.scrollWidth > box.clientWidth + 1);
    box.classList.toggle("tall", box.scrollHeight > box.clientHeight + 1);
  }
}
addEventListener("resize", mark);
mark();
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), body = head.closest("table").tBodies[0], column = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = Array.from(body.rows, (row) => [value(row, column), row]);
    rows.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b)));
    body.append(...rows.map(([, row]) => row));
  });
}
