import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import type { Shortcut } from './data/navigation/shortcuts.ts';
import { Dialog } from './parts/dialog.tsx';

/** The wait of `g` for its letter. */
const PAUSE_MS = 1500;

/** Whether keys belong to something else: a field, an open dialog, or a shortcut of the browser. */
const isTaken = (event: KeyboardEvent): boolean => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  if (document.querySelector('dialog[open]') !== null) return true;
  return (
    event.target instanceof Element && event.target.closest('input, select, textarea') !== null
  );
};

/** Keyboard shortcuts: `g` and a letter open a page, `/` goes to its search, `?` shows them all. */
export const Shortcuts = ({ shortcuts }: { readonly shortcuts: readonly Shortcut[] }) => {
  const [, navigate] = useLocation();
  const [isShown, setShown] = useState(false);
  const goUntil = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (isTaken(event)) return;
      const isGoing = event.timeStamp < goUntil.current;
      goUntil.current = event.key === 'g' && !isGoing ? event.timeStamp + PAUSE_MS : 0;
      const page = isGoing ? shortcuts.find(({ letter }) => letter === event.key) : undefined;
      const search = document.querySelector<HTMLInputElement>('main input[type="search"]');
      if (page !== undefined) navigate(page.path);
      else if (event.key === '?') setShown(true);
      else if (event.key === '/' && search !== null) search.focus();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [shortcuts, navigate]);
  return isShown ? <Help shortcuts={shortcuts} onClose={() => setShown(false)} /> : null;
};

const Help = ({
  shortcuts,
  onClose,
}: {
  readonly shortcuts: readonly Shortcut[];
  readonly onClose: () => void;
}) => (
  <Dialog title="Keyboard shortcuts" onClose={onClose}>
    <dl class="facts">
      {shortcuts.map(({ letter, name }) => (
        <div key={letter}>
          <dt>{name}</dt>
          <dd>
            <kbd>g</kbd> <kbd>{letter}</kbd>
          </dd>
        </div>
      ))}
      <div>
        <dt>Search on this page</dt>
        <dd>
          <kbd>/</kbd>
        </dd>
      </div>
      <div>
        <dt>Close a dialog</dt>
        <dd>
          <kbd>Esc</kbd>
        </dd>
      </div>
    </dl>
  </Dialog>
);
