import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { endSession } from './data/end-session.ts';
import { forgetResults } from './data/query.ts';
import type { Scope } from './data/scope.ts';
import { addressIn, shortened } from './format/text.ts';
import { PAGES } from './pages.ts';
import { signOut } from './session/session.ts';
import { shortcutsOf } from './data/shortcuts.ts';
import { Shortcuts } from './shortcuts.tsx';
import './frame.css';

const leave = async (): Promise<void> => {
  await endSession();
  forgetResults();
  await signOut();
};

/** What every page has around it: the navigation, and who is signed in. */
export const Frame = ({
  scope: { role, account },
  children,
}: {
  readonly scope: Scope;
  readonly children: ComponentChildren;
}) => {
  const [path] = useLocation();
  const own = useMemo(() => PAGES.filter(({ roles }) => roles.includes(role)), [role]);
  const shortcuts = useMemo(() => shortcutsOf(own), [own]);
  const isHere = (href: string): boolean => (href === '/' ? path === '/' : path.startsWith(href));
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <nav aria-label="Pages">
        <p class="host">{location.host}</p>
        <ul>
          {own
            .filter(({ name }) => name !== undefined)
            .map(({ path: href, name }) => (
              <li key={href}>
                <Link href={href} aria-current={isHere(href) ? 'page' : undefined}>
                  {name}
                </Link>
              </li>
            ))}
        </ul>
        <div class="who">
          <span>
            {role} <code title={account}>{shortened(addressIn(account))}</code>
          </span>
          <button type="button" onClick={() => void leave()}>
            Sign out
          </button>
        </div>
      </nav>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Shortcuts shortcuts={shortcuts} />
    </>
  );
};
