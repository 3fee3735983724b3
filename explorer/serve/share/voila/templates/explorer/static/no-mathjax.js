// @ts-check
// Voilà loads MathJax on every page, one more megabyte before the first figure. This page has no TeX, so calls to
// MathJax 2 get an empty answer.
window.MathJax = { Hub: { Config() {}, Configured() {}, Queue() {}, Register: { StartupHook() {} } }, Ajax: {} };
