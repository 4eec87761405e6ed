// The predictions as a CSV file, in the columns that `smearlab predict` writes.

export function predictionsCsv(items, classes) {
  const chances = classes.map(({ name }) => `p_${name}`);
  const columns = ["row", "source", "label", "confidence", "is_cell", ...chances, "error"];
  const lines = items.map((item, number) => {
    const row = { ...item.row, row: number, source: item.path };
    return columns.map((column) => field(row[column])).join(",");
  });
  return `${columns.join(",")}\n${lines.join("\n")}\n`;
}

function field(value) {
  if (value == null) return "";
  const text = typeof value === "number" && !Number.isInteger(value) ? value.toFixed(6) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
