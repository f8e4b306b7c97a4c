import { Link } from 'wouter-preact';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import type { KnownSecret } from '../../data/tools/secrets.ts';
import { shown } from '../../format/text.ts';
import { agoOf, exactMomentOf } from '../../format/time.ts';
import { Badge } from '../../parts/badge.tsx';
import { CommandLine } from '../../parts/command-line.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Table } from '../../parts/table.tsx';

/** The actions of an operator on secrets. */
export type SecretAct =
  | { readonly kind: 'new' }
  | { readonly kind: 'replace' | 'delete'; readonly secret: KnownSecret };

/** Secrets, with a warning about those whose key is gone or old. */
export const SecretTable = ({
  secrets,
  onAct,
}: {
  readonly secrets: readonly KnownSecret[];
  readonly onAct: (act: SecretAct) => void;
}) => {
  const now = gatewayNow();
  const lost = secrets.filter(({ key }) => key === 'unknown');
  const old = secrets.filter(({ key }) => key === 'old');
  return (
    <>
      {lost.length === 0 ? null : (
        <Notice tone="bad">
          The gateway cannot decrypt {lost.map(({ name }) => name).join(', ')}. Replace the values,
          or restore the earlier VAULT_KEY.
        </Notice>
      )}
      {old.length === 0 ? null : (
        <Notice tone="warn">
          {old.length} of {secrets.length} secrets are encrypted with VAULT_KEY_OLD. Encrypt them
          with VAULT_KEY:
          <CommandLine text={`npx countersign secret rewrap --gateway ${location.origin}`} />
        </Notice>
      )}
      <Table<KnownSecret>
        caption="Secrets"
        rows={secrets}
        keyOf={({ name }) => name}
        columns={[
          {
            head: 'Secret',
            cell: ({ name, hint }) => <span title={hint && shown(hint)}>{name}</span>,
          },
          { head: 'Host', drop: 1, cell: ({ host }) => <code>{shown(host)}</code> },
          {
            head: 'Used by',
            drop: 1,
            cell: ({ tools }) =>
              tools.length === 0
                ? 'no tool'
                : tools.map((id, at) => (
                    <span key={id}>
                      {at === 0 ? '' : ', '}
                      <Link href={`/tools/id/${id}`}>{shown(id)}</Link>
                    </span>
                  )),
          },
          {
            head: 'Last used',
            drop: 2,
            cell: ({ uses: [last] }) =>
              last === undefined ? (
                '–'
              ) : (
                <time title={`by ${shown(last.tool)}, exact to an hour`}>
                  {agoOf(last.at, now)} ago
                </time>
              ),
          },
          {
            head: 'Updated',
            cell: ({ at, version }) => (
              <time title={`${exactMomentOf(at)}, version ${version}`}>{agoOf(at, now)} ago</time>
            ),
          },
          { head: 'Key', drop: 2, cell: ({ key }) => <Badge state={key} /> },
          {
            head: 'Change',
            cell: (secret) => (
              <span class="acts">
                <button type="button" onClick={() => onAct({ kind: 'replace', secret })}>
                  Replace
                </button>
                <button
                  type="button"
                  class="danger"
                  aria-label={`Delete ${secret.name}`}
                  onClick={() => onAct({ kind: 'delete', secret })}
                >
                  Delete
                </button>
              </span>
            ),
          },
        ]}
      />
    </>
  );
};
