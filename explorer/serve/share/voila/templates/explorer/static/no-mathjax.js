// @ts-check
// Voilà starts MathJax on every page, which would be a megabyte more before the first figure. There is no TeX on this
// one, so that what is asked of MathJax 2 is answered with nothing.
window.MathJax = { Hub: { Config() {}, Configured() {}, Queue() {}, Register: { StartupHook() {} } }, Ajax: {} };
