import { useEffect } from 'preact/hooks';
import { Route, Router, Switch, useLocation } from 'wouter-preact';
import { keepRole, lastRole } from './data/last-role.ts';
import type { Read } from './data/query.ts';
import type { Role } from './data/role.ts';
import { useRole } from './data/use-role.ts';
import type { Scope } from './data/scope.ts';
import { Frame } from './frame.tsx';
import { LoadedPage } from './loaded-page.tsx';
import { PAGES } from './pages.ts';
import { NoPage } from './pages/no-page.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { Failed } from './parts/failed.tsx';
import { Opening } from './parts/opening.tsx';
import { self, session } from './session/session.ts';

/** The page of an address while the role is being read, or why it cannot be read. */
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
            // A tab may sign in while another one does: nothing that a page of that account holds may stay.
            <Pages key={account} account={account} />
          )}
        </Router>
      );
  }
};
