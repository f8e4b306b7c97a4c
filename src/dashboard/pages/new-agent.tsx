import type { PageProps } from '../data/scope.ts';
import { useOwnGrant } from '../data/own-grant.ts';
import { CommandLine } from '../parts/copy.tsx';
import { Page } from '../parts/page.tsx';
import { GrantEditor } from './grant-editor.tsx';

/** Makes an agent: a budget that the wallet signs for an address. */
export const NewAgent = ({ scope: { account } }: PageProps) => {
  const parent = useOwnGrant(account);
  return (
    <Page title="New agent">
      <GrantEditor self={account} parent={parent} onIssued={() => undefined} />
      <details>
        <summary>Many agents at once</summary>
        <p>This command makes a key for each agent and grants each the same budget:</p>
        <p>
          <CommandLine
            text={`npx countersign fleet new team --agents 3 --per-day 1 --as <your key> --gateway ${location.origin}`}
          />
        </p>
      </details>
    </Page>
  );
};
