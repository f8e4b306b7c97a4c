import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { useQuery } from '../data/query.ts';
import { gatewayNow } from '../data/reader.ts';
import { type KnownSecret, readSecrets } from '../data/secrets.ts';
import { shown } from '../format/text.ts';
import { agoOf, momentOf } from '../format/time.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Badge } from '../parts/badge.tsx';
import { CommandLine } from '../parts/copy.tsx';
import { Empty } from '../parts/empty.tsx';
import { Notice } from '../parts/notice.tsx';
import { Page } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';
import { Table } from '../parts/table.tsx';
import { SecretDialog } from './secret-dialog.tsx';

type Act =
  | { readonly kind: 'new' }
  | { readonly kind: 'replace' | 'delete'; readonly secret: KnownSecret };

/** The credentials that upstreams demand: where each goes, which tools send it, and when it was set. Never a value. For operators. */
export const Secrets = () => {
  const [act, setAct] = useState<Act | undefined>(undefined);
  const query = useQuery('secrets', readSecrets);
  /** The dialog of an act closes late: another act may be open by then. */
  const close = (): void => setAct((now) => (now === act ? undefined : now));
  return (
    <Page title="Secrets">
      <p class="muted">
        Credentials of upstreams. The gateway sends each to one host only and removes it from
        answers; agents never see it.
      </p>
      <div class="acts">
        <button type="button" class="primary" onClick={() => setAct({ kind: 'new' })}>
          Store a secret
        </button>
      </div>
      <Result query={query} rows={5}>
        {(secrets) =>
          secrets.length === 0 ? (
            <Empty title="No secret is stored.">
              <p>
                If an upstream demands an API key, store it here, and name it in the{' '}
                <code>secrets</code> field of the tool. Use the button above, or copy this command:
              </p>
              <CommandLine
                text={`npx countersign secret put weather --host api.weather.example --gateway ${location.origin}`}
              />
            </Empty>
          ) : (
            <Listed secrets={secrets} onAct={setAct} />
          )
        }
      </Result>
      {act === undefined ? null : act.kind === 'delete' ? (
        <ActDialog
          title={`Delete ${act.secret.name}?`}
          verb="Delete"
          isDangerous
          change={(management) =>
            management.call('secrets.delete', {
              params: { secret: act.secret.name },
              ifMatch: act.secret.etag,
            })
          }
          onDone={query.refresh}
          onClose={close}
        >
          <p>{consequenceOf(act.secret)} The gateway erases the value. You cannot undo this.</p>
        </ActDialog>
      ) : (
        <SecretDialog
          known={act.kind === 'new' ? undefined : act.secret}
          onDone={query.refresh}
          onClose={close}
        />
      )}
    </Page>
  );
};

const consequenceOf = ({ tools }: KnownSecret): string =>
  tools.length === 0
    ? 'No tool uses it.'
    : `Calls to ${tools.join(', ')} get 503 from then on, and cost nothing.`;

const Listed = ({
  secrets,
  onAct,
}: {
  readonly secrets: readonly KnownSecret[];
  readonly onAct: (act: Act) => void;
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
          { head: 'Goes to', drop: 1, cell: ({ host }) => <code>{shown(host)}</code> },
          {
            head: 'Used by',
            drop: 1,
            cell: ({ tools }) =>
              tools.length === 0
                ? 'no tool'
                : tools.map((id, at) => (
                    <>
                      {at === 0 ? '' : ', '}
                      <Link href={`/tools/id/${id}`}>{shown(id)}</Link>
                    </>
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
            head: 'Set',
            cell: ({ at, version }) => (
              <time title={`${momentOf(at)}, version ${version}`}>{agoOf(at, now)} ago</time>
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
