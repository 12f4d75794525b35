// Light, dark, or as the device has it: before anything is drawn, so that nothing flashes. No module, for modules come later.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem('theme'); } catch { /* it is not kept, then */ }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
