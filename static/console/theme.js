/* Gives the theme's Alpine expressions what they name.
 *
 * Under the content policy Alpine evaluates no strings, so its expressions see data that was registered, and no globals.
 */
"use strict";

document.addEventListener("alpine:init", () => {
  const { Alpine } = window;
  // The theme's own functions, from its app.js.
  for (const name of ["theme", "searchForm"]) {
    Alpine.data(name, window[name]);
  }

  const remembered = window.localStorage;
  const openKey = "sidebarDesktopOpen";
  Alpine.data("shell", () => ({
    activeTab: "",
    sidebarMobileOpen: false,
    sidebarDesktopOpen: remembered.getItem(openKey) !== "0",
    // What the theme's templates call by these names.
    localStorage: {
      setItem: (key, value) => remembered.setItem(key, value),
      getItem: (key) => remembered.getItem(key),
    },
    init() {
      const { primaryTab } = this.$el.dataset;
      if (primaryTab !== undefined) {
        this.activeTab = window.location.hash.slice(1) || primaryTab;
      }
    },
  }));
});
