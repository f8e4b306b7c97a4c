/**
 * The script of the public pages: puts a button beside each tool that a wallet can pay for, and loads everything else with the first click.
 * Without JavaScript the page has no button, and shows how software pays.
 */

/** A copy of `recordKey` in payment-record.ts, because an import would load that file. */
const RECORD = 'countersign-payment:';

const hasRecord = (tool: string): boolean => {
  try {
    return sessionStorage.getItem(RECORD + tool) !== null;
  } catch {
    return false;
  }
};

const openPanel = async (place: HTMLElement, tool: string): Promise<void> => {
  try {
    const { showPanel } = await import('./panel.tsx');
    showPanel(place, tool, () => addButton(place, tool)?.focus());
  } catch {
    // The files of this page's build are gone after a deployment.
    place.textContent = 'This page is out of date. Reload it to pay.';
  }
};

const addButton = (place: HTMLElement, tool: string): HTMLButtonElement => {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'pay';
  button.textContent =
    place.dataset['free'] === undefined ? 'Pay with a wallet' : 'Call with a wallet';
  button.setAttribute('aria-label', `${button.textContent}: ${tool}`);
  button.addEventListener('click', () => {
    button.disabled = true;
    void openPanel(place, tool);
  });
  place.replaceChildren(button);
  return button;
};

for (const place of document.querySelectorAll<HTMLElement>('[data-pay]')) {
  const tool = place.dataset['pay'] ?? '';
  addButton(place, tool);
  // After a reload the page shows the paid answer of this tab again, so that a person does not pay twice for it.
  if (hasRecord(tool)) void openPanel(place, tool);
}
