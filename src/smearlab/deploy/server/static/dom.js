// Small helpers: finding and making elements, and writing numbers.

export const by = (id) => document.getElementById(id);

/** Make an element. Text is always set as text, so nothing in a file's name is ever taken for markup. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)}\u202f%`;
}

/** A confidence as a person reads it: never rounded up to a certainty that is not there. */
export function sureness(share) {
  return share > 0.9995 ? "> 99.9\u202f%" : share < 0.0005 ? "< 0.1\u202f%" : percent(share);
}

export function counted(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

export function bytes(number) {
  return `${Number((number / 2 ** 20).toFixed(1))}\u202fMiB`;
}
