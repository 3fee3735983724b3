// What the page's scripts find on a page in addition to the browser's own.

/** reveal.js, as far as the talk uses it. */
declare const Reveal: {
  getState(): { indexh?: number };
  next(): void;
  prev(): void;
  slide(index: number): void;
  togglePause(isPaused: boolean): void;
  on(event: "ready" | "slidechanged", listener: () => void): void;
  initialize(settings: Record<string, unknown>): void;
};

interface Window {
  /** What Voilà takes for MathJax 2. */
  MathJax: unknown;
  /** Plotly, as far as the lessons' figures use it. */
  Plotly: {
    react(element: HTMLElement, data: unknown, layout: unknown, config: Record<string, unknown>): Promise<void>;
    Plots: { resize(element: HTMLElement): Promise<void> };
  };
  /** What the figures of a lesson were pushed to: a list until the script runs. */
  explorerLesson?: [HTMLElement, string][] | { push(figure: [HTMLElement, string]): void };
}
