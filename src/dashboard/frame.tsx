import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { AccountId } from '../protocol/account-id.ts';
import type { Scope } from './data/session/scope.ts';
import { Navigation } from './navigation.tsx';
import { PAGES } from './pages.ts';
import { shortcutsOf } from './data/navigation/shortcuts.ts';
import type { OpenCommands } from './parts/open-commands.tsx';
import { self } from './session/session.ts';
import { Shortcuts } from './shortcuts.tsx';
import './frame.css';

/** Changes without an answer, whose code loads after the page is shown. */
const Unanswered = ({ account }: { readonly account: AccountId }) => {
  const [loaded, setLoaded] = useState<
    { readonly OpenCommands: typeof OpenCommands } | undefined
  >();
  useEffect(() => {
    void import('./parts/open-commands.tsx').then(setLoaded, () => undefined);
  }, []);
  return loaded === undefined ? null : <loaded.OpenCommands key={account} account={account} />;
};

/** The frame of every page: the navigation, and who is signed in. */
export const Frame = ({
  scope,
  children,
}: {
  readonly scope: Scope;
  readonly children: ComponentChildren;
}) => {
  const own = useMemo(() => PAGES.filter(({ roles }) => roles.includes(scope.role)), [scope.role]);
  const shortcuts = useMemo(() => shortcutsOf(own), [own]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Navigation scope={scope} pages={own} />
      <main id="main" tabIndex={-1}>
        {self.value === undefined ? null : <Unanswered account={self.value} />}
        {children}
      </main>
      <Shortcuts shortcuts={shortcuts} />
    </>
  );
};
