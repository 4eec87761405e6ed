// Gathering pictures from what was dropped, pasted or chosen.

const PICTURE = /\.(png|jpe?g|tiff?|bmp|gif|webp)$/i;
const SHOWN_BY_BROWSERS = /^image\/(png|jpe?g|bmp|gif|webp)$/;

/** Whether a browser can show the file by itself; of others the server is asked for a small picture. */
export const isShown = (file) => SHOWN_BY_BROWSERS.test(file.type);

/** Entries {file, path} of an <input type=file>. Of a folder only the pictures are taken. */
export function chosen(list) {
  const entries = [...list].map((file) => ({ file, path: inside(file.webkitRelativePath) || file.name }));
  return sorted([...list].some((file) => file.webkitRelativePath) ? entries.filter(isPicture) : entries);
}

/** Entries {file, path} of a drop; folders are gone through to the bottom. */
export async function dropped(transfer) {
  // Both lists are emptied once the event is over, so that they are read before anything is waited for.
  const roots = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!roots.length) return chosen(transfer.files);
  const found = await Promise.all(roots.map((root) => (root.isDirectory ? pictures(root) : single(root))));
  return sorted(found.flat());
}

async function single(entry) {
  return [{ file: await fileOf(entry), path: entry.name }];
}

async function pictures(folder) {
  const found = [];
  const waiting = [folder];
  while (waiting.length) {
    for (const entry of await children(waiting.pop())) {
      if (entry.isDirectory) waiting.push(entry);
      else if (PICTURE.test(entry.name)) found.push({ file: await fileOf(entry), path: inside(entry.fullPath.slice(1)) });
    }
  }
  return found.filter(isPicture);
}

async function children(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) { // a reader gives a hundred at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    found.push(...some);
  }
}

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));
const isPicture = ({ file, path }) => PICTURE.test(file.name) && !path.split("/").some((part) => part.startsWith("."));
const inside = (path) => path.slice(path.indexOf("/") + 1);

function sorted(entries) {
  return entries.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
