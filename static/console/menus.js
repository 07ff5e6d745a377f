/* Menus, which are details, close as menus do: by Escape, and when somebody goes elsewhere. */

const OPEN = "details.ob-menu[open]";

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" ? document.querySelector(OPEN) : null;
  if (menu !== null) {
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  }
}, { capture: true });

for (const kind of ["pointerdown", "focusin"]) {
  document.addEventListener(kind, (event) => {
    for (const menu of document.querySelectorAll(OPEN)) {
      menu.open = menu.contains(event.target);
    }
  });
}
