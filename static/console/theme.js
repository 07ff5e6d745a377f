/* Gives the theme's Alpine expressions what they name.
 *
 * Under the content policy Alpine evaluates no strings, so its expressions see data that was registered, and no globals.
 */
"use strict";

// The theme's icons are words in a font: who has a page read out hears "send Submit" otherwise.
document.addEventListener("DOMContentLoaded", () => {
  for (const icon of document.querySelectorAll(".material-symbols-outlined:not([aria-hidden])")) {
    if (icon.parentElement.textContent.trim() !== icon.textContent.trim()) {
      icon.setAttribute("aria-hidden", "true");
    }
  }
});

document.addEventListener("alpine:init", () => {
  const { Alpine } = window;
  // Styles as text are refused; console.css says how wide the theme's bar of actions is.
  for (const element of document.querySelectorAll("[x-bind\\:style]")) {
    element.removeAttribute("x-bind:style");
  }
  // Names the window, which expressions do not see; forms go to their own address without it.
  for (const element of document.querySelectorAll("[x-bind\\:action]")) {
    element.removeAttribute("x-bind:action");
  }
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
    fold() {
      this.sidebarDesktopOpen = !this.sidebarDesktopOpen;
      remembered.setItem(openKey, this.sidebarDesktopOpen ? "1" : "0");
    },
    openMenu() {
      this.sidebarMobileOpen = !this.sidebarMobileOpen;
    },
    init() {
      const { primaryTab } = this.$el.dataset;
      if (primaryTab !== undefined) {
        this.activeTab = window.location.hash.slice(1) || primaryTab;
      }
    },
  }));
});
