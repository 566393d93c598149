// Tables that are sorted by the column whose head is clicked; numbers as numbers, words as words.

const ASCENDING = "ascending";
const DESCENDING = "descending";
const NONE = "none";

/** What a cell is compared by: its number where it begins with one, else its text. */
function keyOf(row, column) {
  const text = row.cells[column].textContent.trim();
  const number = Number.parseFloat(text.replaceAll(",", ""));
  return Number.isNaN(number) ? text : number;
}

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") {
    return one - other;
  }
  return String(one).localeCompare(String(other));
}

function sort(table, column, direction) {
  const sign = direction === ASCENDING ? 1 : -1;
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, key: keyOf(row, column) }));
  rows.sort((one, other) => sign * compare(one.key, other.key));
  body.append(...rows.map(({ row }) => row));
}

function turn(head) {
  const heads = [...head.parentElement.cells];
  const direction = head.getAttribute("aria-sort") === ASCENDING ? DESCENDING : ASCENDING;
  for (const each of heads) {
    each.setAttribute("aria-sort", each === head ? direction : NONE);
  }
  sort(head.closest("table"), heads.indexOf(head), direction);
}

for (const head of document.querySelectorAll("table[data-sortable] thead th")) {
  head.setAttribute("aria-sort", NONE);
  head.addEventListener("click", () => turn(head));
}
