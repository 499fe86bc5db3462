// A menu of the navigation closes when the reader goes elsewhere or presses Escape; without a script it still opens.
"use strict";

(() => {
  const menus = () => document.querySelectorAll(".site-nav details[open]");

  document.addEventListener("click", ({ target }) => {
    for (const menu of menus()) if (!menu.contains(target)) menu.open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
