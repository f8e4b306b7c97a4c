import { keyName } from '../../data/gateway/local-stack.ts';
import type { PageProps } from '../../data/session/scope.ts';
import { lacksCredit } from '../../data/accounts/own-account.ts';
import { useOwnAccount } from '../../data/accounts/use-own-account.ts';
import { CommandLine } from '../../parts/command-line.tsx';
import { useCreditDialog } from '../../parts/credit/use-credit-dialog.tsx';
import { NoCredit } from '../../parts/no-credit.tsx';
import { Page } from '../../parts/page.tsx';
import { GrantEditor } from './grant-editor.tsx';

/** Makes an agent: a budget that the wallet signs for an address. */
export const NewAgent = ({ scope: { account } }: PageProps) => {
  const { data: own, refresh } = useOwnAccount(account);
  const { onBuy, dialog } = useCreditDialog({ account, name: undefined, onBought: refresh });
  return (
    <Page title="New agent">
      {own !== undefined && lacksCredit(own) ? <NoCredit onBuy={onBuy} /> : null}
      <GrantEditor self={account} held={own?.held} onIssued={() => undefined} />
      <details>
        <summary>Many agents at once</summary>
        <p>This command makes a key for each agent and grants each the same budget:</p>
        <p>
          <CommandLine
            text={`npx countersign fleet new team --agents 3 --per-day 1 --as ${keyName('owner')} --gateway ${location.origin}`}
          />
        </p>
      </details>
      {dialog}
    </Page>
  );
};
