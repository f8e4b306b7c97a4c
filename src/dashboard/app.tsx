import type { ComponentChildren } from 'preact';
import { Link, Redirect, Route, Router, Switch, useLocation } from 'wouter-preact';
import { forgetResults } from './data/query.ts';
import { endSession } from './data/end-session.ts';
import { type Role, useRole } from './data/role.ts';
import type { Scope } from './data/spending.ts';
import { addressIn, shortened } from './format/text.ts';
import { Agent } from './pages/agent.tsx';
import { Agents } from './pages/agents.tsx';
import { Approvals } from './pages/approvals.tsx';
import { Call } from './pages/call.tsx';
import { Calls } from './pages/calls.tsx';
import { Overview } from './pages/overview.tsx';
import { Settlements } from './pages/settlements.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { self, session, signOut } from './session/session.ts';

const PAGES: readonly {
  readonly href: string;
  readonly name: string;
  readonly roles: readonly Role[];
}[] = [
  { href: '/', name: 'Overview', roles: ['operator', 'owner'] },
  { href: '/agents', name: 'Agents', roles: ['operator', 'owner'] },
  { href: '/calls', name: 'Calls', roles: ['operator', 'owner'] },
  { href: '/settlements', name: 'Settlements', roles: ['operator'] },
  { href: '/approvals', name: 'Approvals', roles: ['operator', 'owner'] },
];

const leave = async (): Promise<void> => {
  await endSession();
  forgetResults();
  await signOut();
};

const Frame = ({
  role,
  account,
  children,
}: {
  readonly role: Role;
  readonly account: string;
  readonly children: ComponentChildren;
}) => {
  const [path] = useLocation();
  const isHere = (href: string): boolean => (href === '/' ? path === '/' : path.startsWith(href));
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <nav aria-label="Pages">
        <p class="host">{location.host}</p>
        <ul>
          {PAGES.filter(({ roles }) => roles.includes(role)).map(({ href, name }) => (
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
    </>
  );
};

const Pages = ({ account }: { readonly account: string }) => {
  const { data: role, problem, refresh } = useRole();
  if (role === undefined) {
    return problem === undefined ? null : (
      <main class="sign-in">
        <h1>{location.host}</h1>
        <p class="notice bad" role="alert">
          {problem.detail} {problem.hint}
        </p>
        <button type="button" onClick={refresh}>
          Try again
        </button>
      </main>
    );
  }
  const scope: Scope = { role, account };
  return (
    <Frame role={role} account={account}>
      <Switch>
        <Route path="/">
          <Overview scope={scope} />
        </Route>
        <Route path="/agents">
          <Agents scope={scope} />
        </Route>
        <Route path="/agents/:account">
          {({ account: of }) => <Agent account={of} role={role} />}
        </Route>
        <Route path="/calls">
          <Calls scope={scope} />
        </Route>
        <Route path="/calls/:account/:call">
          {({ account: of, call }) => <Call account={of} call={call} />}
        </Route>
        <Route path="/settlements">
          <Settlements />
        </Route>
        <Route path="/approvals">
          <Approvals scope={scope} />
        </Route>
        <Route>
          <Redirect to="/" />
        </Route>
      </Switch>
    </Frame>
  );
};

/** The dashboard: a page for whoever is signed in, else the page to sign in. */
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
            <Pages account={account} />
          )}
        </Router>
      );
  }
};
