import { Redirect, Route, Router, Switch } from 'wouter-preact';
import { useRole } from './data/role.ts';
import { Frame } from './frame.tsx';
import { LoadedPage } from './loaded-page.tsx';
import { PAGES } from './pages.ts';
import { SignIn } from './pages/sign-in.tsx';
import { Notice } from './parts/notice.tsx';
import { self, session } from './session/session.ts';

const Pages = ({ account }: { readonly account: string }) => {
  const { data: role, problem, refresh } = useRole();
  if (role === undefined) {
    return problem === undefined ? null : (
      <main class="sign-in">
        <h1>{location.host}</h1>
        <Notice tone="bad">
          {problem.detail} {problem.hint}
        </Notice>
        <button type="button" onClick={refresh}>
          Try again
        </button>
      </main>
    );
  }
  const scope = { role, account };
  return (
    <Frame scope={scope}>
      <Switch>
        {PAGES.filter(({ roles }) => roles.includes(role)).map((entry) => (
          <Route key={entry.path} path={entry.path}>
            {(params) => <LoadedPage entry={entry} scope={scope} params={params} />}
          </Route>
        ))}
        <Route>
          <Redirect to="/" />
        </Route>
      </Switch>
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
            <Pages account={account} />
          )}
        </Router>
      );
  }
};
