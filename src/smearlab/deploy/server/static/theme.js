// Light, dark, or as the system has it. The choice is kept in this browser.

const KEY = "smearlab-theme";
const THEMES = ["auto", "light", "dark"];

function read() {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto";
  }
}

function apply(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

apply(read());

export function themeButton(button) {
  const show = (theme) => {
    button.lastElementChild.textContent = theme;
    button.setAttribute("aria-label", `Theme: ${theme}`);
  };
  show(read());
  button.addEventListener("click", () => {
    const theme = THEMES[(THEMES.indexOf(read()) + 1) % THEMES.length];
    try {
      localStorage.setItem(KEY, theme);
    } catch { /* then it holds until the page is left */ }
    apply(theme);
    show(theme);
  });
}
