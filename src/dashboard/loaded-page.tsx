import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PageProps } from './data/session/scope.ts';
import type { PageEntry } from './pages.ts';
import { Notice } from './parts/notice.tsx';
import { Opening } from './parts/skeleton.tsx';
import { tabStorage } from './session/tab-storage.ts';

/** Pages whose code is loaded. */
const loaded = new Map<PageEntry, ComponentType<PageProps>>();

/** Set after a reload because code was missing, so that a second failure does not reload again. */
const RELOADED = 'countersign-reloaded';

/** After a deployment the files of the earlier build are gone. A reloaded document names the new ones. */
const reloadOnce = (): boolean => {
  if (tabStorage.get(RELOADED) !== null) return false;
  tabStorage.set(RELOADED, 'yes');
  // A tab without storage would reload endlessly.
  if (tabStorage.get(RELOADED) === null) return false;
  location.reload();
  return true;
};

/** A page, once its code is loaded. */
export const LoadedPage = ({ entry, scope, params }: PageProps & { readonly entry: PageEntry }) => {
  const [, setLoaded] = useState(loaded.has(entry));
  const [isMissing, setMissing] = useState(false);
  useEffect(() => {
    const load = async (): Promise<void> => {
      try {
        loaded.set(entry, await entry.load());
        tabStorage.remove(RELOADED);
        setLoaded(true);
      } catch {
        setMissing(!reloadOnce());
      }
    };
    if (!loaded.has(entry)) void load();
  }, [entry]);
  const Component = loaded.get(entry);
  if (Component !== undefined) return <Component scope={scope} params={params} />;
  if (!isMissing) return <Opening title={entry.name} />;
  return (
    <Notice tone="bad">
      <p>This page did not load. Check the connection, then try again.</p>
      <button type="button" onClick={() => location.reload()}>
        Try again
      </button>
    </Notice>
  );
};
