import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { Hex } from '../../../core/hex.ts';
import { grantFormOf, newGrantForm } from '../../data/grants/grant-form.ts';
import { type GrantRow, heldRows, offeredRows } from '../../data/grants/grant-rows.ts';
import { useOwnIssued } from '../../data/grants/own-issued.ts';
import { firstRows, PAGE_ROWS } from '../../data/reading/list.ts';
import { useOwnAccount } from '../../data/accounts/use-own-account.ts';
import { useQuery } from '../../data/reading/query.ts';
import type { PartProps } from './part-props.ts';
import { addressIn, nameOf } from '../../format/text.ts';
import { Empty } from '../../parts/empty.tsx';
import { Section } from '../../parts/page.tsx';
import { AgentNeeds } from './agent-needs.tsx';
import { GrantEditor } from './grant-editor.tsx';
import { GrantTable } from './grant-table.tsx';
import { IssuedGrants, type Revoking } from './issued-grants.tsx';
import { RevokeGrant } from './revoke-grant.tsx';

/** The part that is shown below the table. */
type Open =
  | { readonly what: 'new' }
  | { readonly what: 'replacement'; readonly of: Hex }
  | { readonly what: 'needs'; readonly grant: GrantRow };

const REPLACING =
  'The agent must get the hash of the new grant: its calls use the old one until it names the new one. Revoke the old one once it does.';
const ANOTHER = 'The agent must get the hash of the new grant, and name it in its first call.';

/** The grants of an account: those that it holds or was offered, with the terms of each, and those that it has issued. */
export const AgentGrants = ({ account, scope, standing, onDone }: PartProps) => {
  const [revoking, setRevoking] = useState<Revoking>();
  const [open, setOpen] = useState<Open>();
  const [news, setNews] = useState<string>();
  const ownHeld = useOwnAccount(scope.account).data?.held;
  const own = useOwnIssued(scope);
  const issued = useQuery(`tree ${account}`, (management, signal) =>
    firstRows(management, 'account.tree', { params: { account } }, PAGE_ROWS, signal),
  );
  const isOwn = account === scope.account;
  const isRevoked = standing.status === 'revoked';
  const maySign = scope.role === 'owner' && !isOwn && !isRevoked;
  const held = heldRows(standing);
  const rows = [...held, ...offeredRows(own.data?.items ?? [], scope.account, account, held)];
  const name = nameOf(account, standing.label);
  const replaced = open?.what === 'replacement' ? open.of : undefined;
  const terms = standing.grants.find(({ hash }) => hash === replaced)?.policy;
  const agent = addressIn(account);
  const refresh = (): void => {
    onDone();
    own.refresh();
    issued.refresh();
  };
  const close = (
    <button type="button" onClick={() => setOpen(undefined)}>
      Close
    </button>
  );
  return (
    <>
      {news === undefined ? null : <p role="status">{news}</p>}
      <Section
        title="Grants it holds"
        note="A call uses the grant that it names, or else the default grant."
      >
        {rows.length === 0 ? (
          <Empty title="It holds no grants.">
            <p>It is an owner: it spends its own money, within its own policy.</p>
          </Empty>
        ) : (
          <GrantTable
            caption="Grants it holds"
            rows={rows}
            acts={{
              isMine: (issuer) => issuer === scope.account,
              onHandOver: (grant) => setOpen({ what: 'needs', grant }),
              onRevoke: ({ id }) => setRevoking({ id, account, name }),
              onReplace: isRevoked ? undefined : (of) => setOpen({ what: 'replacement', of }),
            }}
          />
        )}
        {isRevoked ? (
          <p class="muted">
            This account is permanently revoked: no grant lets it spend again. Make another agent,
            with another key.
          </p>
        ) : null}
        {maySign && open === undefined ? (
          <div class="acts">
            <button type="button" onClick={() => setOpen({ what: 'new' })}>
              {rows.length === 0 ? 'Grant a budget' : 'Grant another budget'}
            </button>
          </div>
        ) : null}
      </Section>
      {open?.what === 'needs' ? (
        <>
          <AgentNeeds {...open.grant} />
          <div class="acts">{close}</div>
        </>
      ) : null}
      {open === undefined || open.what === 'needs' ? null : (
        <Section
          title={open.what === 'new' ? 'Another budget' : 'Replace this grant'}
          note={open.what === 'new' ? ANOTHER : REPLACING}
        >
          <GrantEditor
            key={replaced ?? 'new'}
            agent={agent}
            replaced={replaced}
            start={terms === undefined ? newGrantForm(agent) : grantFormOf(agent, terms)}
            held={ownHeld}
            self={scope.account}
            onIssued={refresh}
            close={close}
          />
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
          <IssuedGrants rows={issued.data.items} mayRevoke={isOwn} onRevoke={setRevoking} />
        )}
      </Section>
      {revoking === undefined ? null : (
        <RevokeGrant
          grant={revoking}
          account={revoking.account}
          name={revoking.name}
          onRevoked={(text) => {
            setNews(text);
            refresh();
          }}
          onClose={() => setRevoking(undefined)}
        />
      )}
    </>
  );
};
