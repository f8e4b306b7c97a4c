import { useState } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { barOf } from './data/navigation/bar.ts';
import { endSession } from './data/session/end-session.ts';
import type { Scope } from './data/session/scope.ts';
import { addressIn, shortened } from './format/text.ts';
import type { PageEntry } from './pages.ts';
import { Icon } from './parts/icon.tsx';
import { Mark } from './parts/mark.tsx';
import { useModal } from './parts/modal.ts';
import { signOut } from './session/session.ts';
import './parts/act-dialog.css';
import './navigation.css';

/** Hide everything of the session while the gateway ends it. */
const leave = async (): Promise<void> => {
  const left = await signOut();
  if (left !== undefined) await endSession(left);
};

type NamedPage = PageEntry & { readonly name: string };

/** The pages, and who is signed in. A narrow screen has a bar of the most used pages, and the others behind a button. */
export const Navigation = ({
  scope,
  pages,
}: {
  readonly scope: Scope;
  readonly pages: readonly PageEntry[];
}) => {
  const [path] = useLocation();
  const [isOpen, setOpen] = useState(false);
  const named = pages.filter((page): page is NamedPage => page.name !== undefined);
  const isHere = (href: string): boolean => (href === '/' ? path === '/' : path.startsWith(href));
  const bar = barOf(named.find((page) => isHere(page.path))?.path);
  return (
    <nav aria-label="Pages">
      <p class="host" title={location.host}>
        <Mark />
        <span>{location.host}</span>
      </p>
      <ul>
        {named.map((page) => (
          <li
            key={page.path}
            class={`${page.isApart === true ? 'apart' : ''} ${bar.has(page.path) ? '' : 'beyond'}`}
          >
            <Link href={page.path} aria-current={isHere(page.path) ? 'page' : undefined}>
              <Icon path={page.icon} />
              {page.name}
            </Link>
          </li>
        ))}
      </ul>
      <Who scope={scope} />
      <button type="button" class="more" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Icon path={MORE} />
        More
      </button>
      {isOpen ? (
        <MorePages
          scope={scope}
          pages={named.filter((page) => !bar.has(page.path))}
          onClose={() => setOpen(false)}
        />
      ) : null}
    </nav>
  );
};

/** Three lines. */
const MORE = 'M4 7h16M4 12h16M4 17h16';

const Who = ({ scope: { role, account } }: { readonly scope: Scope }) => (
  <div class="who">
    <span>
      {role} <code title={account}>{shortened(addressIn(account))}</code>
    </span>
    <button type="button" onClick={() => void leave()}>
      Sign out
    </button>
  </div>
);

/** The entries that do not fit into the bar of a narrow screen. */
const MorePages = ({
  scope,
  pages,
  onClose,
}: {
  readonly scope: Scope;
  readonly pages: readonly NamedPage[];
  readonly onClose: () => void;
}) => {
  const { ref: dialog, onClose: closed } = useModal('More pages', onClose);
  // The heading of the next page could not get the focus behind an open dialog.
  return (
    <dialog ref={dialog} aria-label="More pages" onClose={closed}>
      <ul>
        {pages.map(({ path: href, name, icon }) => (
          <li key={href}>
            <Link href={href} onClick={() => dialog.current?.close()}>
              <Icon path={icon} />
              {name}
            </Link>
          </li>
        ))}
      </ul>
      <Who scope={scope} />
      <div class="acts">
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
};
