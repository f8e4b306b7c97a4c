/** The time after a change in which the page may still remove the control that opened its dialog. */
const WATCHED_MS = 10_000;

/**
 * Keeps the focus on the page after a change. A dialog returns it to the control that opened it. If the change removes that control (a
 * revoked grant has no Revoke), the focus goes to the heading of the page, so that it is not lost.
 */
export const returnFocus = (opener: Element | null): void => {
  if (opener === null) return;
  const check = (): void => {
    const isLost = document.activeElement === null || document.activeElement === document.body;
    if (opener.isConnected && !opener.matches(':disabled')) return;
    observer.disconnect();
    if (isLost) document.querySelector('h1')?.focus();
  };
  const observer = new MutationObserver(check);
  observer.observe(document.body, {
    ...{ childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] },
  });
  setTimeout(() => observer.disconnect(), WATCHED_MS);
};
