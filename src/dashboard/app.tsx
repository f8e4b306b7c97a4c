import { useEffect } from 'preact/hooks';
import { Route, Router, Switch, useLocation, Link } from 'wouter-preact';
import type { Read } from './data/reading/query.ts';
import { useRole, keepRole, lastRole } from './data/session/use-role.ts';
import type { Scope, Role } from './data/session/scope.ts';
import { Frame } from './frame.tsx';
import { LoadedPage } from './loaded-page.tsx';
import { PAGES } from './pages.ts';
import { SignIn } from './pages/sign-in.tsx';
import { Failed } from './parts/notice.tsx';
import { Opening } from './parts/skeleton.tsx';
import { self, session } from './session/session.ts';
import { Empty } from './parts/empty.tsx';
import { Page } from './parts/page.tsx';

/** Shown for an address without a page, and for a page that the signed-in account may not open. */
const NoPage = () => (
  <Page title="There is no such page">
    <Empty title="The address is wrong, or its page is for operators only.">
      <Link href="/">Open the overview</Link>
    </Empty>
  </Page>
);

/** The page of an address while the role is loading, or the reason why it cannot be read. */
const NoRoleYet = ({ problem, refresh }: Pick<Read<Role>, 'problem' | 'refresh'>) => {
  const [path] = useLocation();
  const title = PAGES.find((entry) => entry.path === path)?.name;
  return problem === undefined ? (
    <Opening title={title} />
  ) : (
    <>
      <h1>{title ?? location.host}</h1>
      <Failed problem={problem} refresh={refresh} />
    </>
  );
};

const Pages = ({ account }: { readonly account: string }) => {
  const { data: role, problem, refresh } = useRole();
  useEffect(() => {
    if (role !== undefined) keepRole(account, role);
  }, [account, role]);
  const scope: Scope = { role: role ?? lastRole(account) ?? 'owner', account };
  return (
    <Frame scope={scope}>
      {role === undefined ? (
        <NoRoleYet problem={problem} refresh={refresh} />
      ) : (
        <Switch>
          {PAGES.filter(({ roles }) => roles.includes(role)).map((entry) => (
            <Route key={entry.path} path={entry.path}>
              {(params) => (
                // A change that a person began on the page of one agent or tool must not appear on that of another.
                <LoadedPage
                  key={JSON.stringify(params)}
                  entry={entry}
                  scope={scope}
                  params={params}
                />
              )}
            </Route>
          ))}
          <Route>
            <NoPage />
          </Route>
        </Switch>
      )}
    </Frame>
  );
};

/** The dashboard: its pages for a person who is signed in, else the page to sign in. */
export const App = () => {
  const account = self.value;
  switch (session.value.state) {
    case 'unknown':
      return null;
    case 'out':
      return <SignIn />;
    case 'in':
    case 'ended':
      return (
        <Router base="/dashboard">
          {session.value.state === 'ended' || account === undefined ? (
            <SignIn />
          ) : (
            // Another account may sign in in another tab: drop everything that pages of the previous account hold.
            <Pages key={account} account={account} />
          )}
        </Router>
      );
  }
};
