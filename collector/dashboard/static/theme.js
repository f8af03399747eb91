// Runs before the page is drawn: light or dark as the system prefers, unless one was chosen.
(() => {
  const root = document.documentElement;
  if (root.hasAttribute("data-theme-chosen")) return;
  const prefers = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => root.setAttribute("data-bs-theme", prefers.matches ? "dark" : "light");
  prefers.addEventListener("change", follow);
  follow();
})();
