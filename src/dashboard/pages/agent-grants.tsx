import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { ItemOf } from '../../client/management.ts';
import type { Hex } from '../../core/hex.ts';
import { grantFormOf, newGrantForm } from '../data/grant-form.ts';
import { sessionWallet } from '../data/gateway.ts';
import { type Revoked, revokeGrant } from '../data/grants.ts';
import { firstRows, PAGE_ROWS } from '../data/list.ts';
import { useOwnGrant } from '../data/own-grant.ts';
import { useQuery } from '../data/query.ts';
import type { PartProps } from '../data/standing.ts';
import { addressIn } from '../format/text.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Empty } from '../parts/empty.tsx';
import { Section } from '../parts/page.tsx';
import { GrantEditor } from './grant-editor.tsx';
import { HeldGrants } from './held-grants.tsx';
import { IssuedGrants } from './issued-grants.tsx';

const revokedText = ({ stopped, stopping }: Revoked): string =>
  `The grant is revoked. Accounts that stopped at once: ${stopped}${stopping === 0 ? '' : `; that stop within 60 seconds: ${stopping}`}.`;

/** The grants of an account: those it holds, with what is left to raise or revoke, and those it has issued. */
export const AgentGrants = ({ account, scope, standing, onDone }: PartProps) => {
  const [revoking, setRevoking] = useState<Hex | undefined>(undefined);
  const [raising, setRaising] = useState<Hex | 'new' | undefined>(undefined);
  const [news, setNews] = useState<string | undefined>(undefined);
  const parent = useOwnGrant(scope.account);
  const issued = useQuery(`tree ${account} ${PAGE_ROWS}`, (management, signal) =>
    firstRows(management, 'account.tree', { params: { account } }, PAGE_ROWS, signal),
  );
  const isOwn = account === scope.account;
  const isMine = (issuer: string): boolean => issuer === scope.account;
  const agent = addressIn(account);
  const held = standing.policies.find(({ hash }) => hash === raising)?.policy;
  return (
    <>
      {news === undefined ? null : <p role="status">{news}</p>}
      <Section
        title="Grants it holds"
        note="A call uses the grant that it names, or else the default grant."
      >
        {standing.grants.length === 0 ? (
          <Empty title="It holds no grants.">
            <p>It is an owner: it spends its own money, within its own policy.</p>
          </Empty>
        ) : (
          <HeldGrants
            standing={standing}
            isMine={isMine}
            onRaise={setRaising}
            onRevoke={setRevoking}
          />
        )}
        {isOwn || raising !== undefined ? null : (
          <div class="acts">
            <button type="button" onClick={() => setRaising('new')}>
              Grant another budget
            </button>
          </div>
        )}
      </Section>
      {raising === undefined ? null : (
        <Section
          title={raising === 'new' ? 'Another budget' : 'Replace this grant'}
          note="The current grant stays valid until you revoke it. Revoke it once the agent uses the new one."
        >
          <GrantEditor
            key={raising}
            agent={agent}
            start={held === undefined ? newGrantForm(agent) : grantFormOf(agent, held)}
            parent={parent}
            self={scope.account}
            onIssued={onDone}
          />
          <button type="button" onClick={() => setRaising(undefined)}>
            Close
          </button>
        </Section>
      )}
      <Section title="Grants it has issued">
        {issued.data === undefined || issued.data.items.length === 0 ? (
          <Empty title="It has issued no grants.">
            {isOwn ? (
              <Link href="/agents/new">Make an agent</Link>
            ) : (
              <p>Agents that it grants a budget to appear here.</p>
            )}
          </Empty>
        ) : (
          <IssuedGrants
            rows={issued.data.items as readonly ItemOf<'account.tree'>[]}
            mayRevoke={isOwn}
            onRevoke={setRevoking}
          />
        )}
      </Section>
      {revoking === undefined ? null : (
        <ActDialog
          title="Revoke this grant?"
          verb="Revoke"
          isDangerous
          change={async () => {
            const wallet = sessionWallet.value;
            if (wallet === undefined) throw new Error('You are signed out. Sign in again.');
            setNews(revokedText(await revokeGrant(wallet, revoking)));
          }}
          onDone={() => {
            onDone();
            issued.refresh();
          }}
          onClose={() => setRevoking(undefined)}
        >
          <p>
            The agent and all agents below it can no longer spend from this grant. Running calls may
            finish. An account that the gateway cannot reach stops within 60 seconds. You cannot
            undo this.
          </p>
        </ActDialog>
      )}
    </>
  );
};
