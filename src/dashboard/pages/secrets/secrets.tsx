import { useState } from 'preact/hooks';
import { useQuery } from '../../data/reading/query.ts';
import { type KnownSecret, readSecrets } from '../../data/tools/secrets.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { CommandLine } from '../../parts/command-line.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Page } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { SecretDialog } from './secret-dialog.tsx';
import { type SecretAct, SecretTable } from './secret-table.tsx';

/** The credentials for upstreams: the host of each, the tools that send it, and when it was set. Never a value. For operators. */
export const Secrets = () => {
  const [act, setAct] = useState<SecretAct | undefined>(undefined);
  const query = useQuery('secrets', readSecrets);
  /** The dialog of an action closes late: another one may be open by then. */
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
            <Empty title="No secrets are stored.">
              <p>
                If an upstream demands an API key, store it here, and name it in the{' '}
                <code>secrets</code> field of the tool. Use the button above, or copy this command:
              </p>
              <CommandLine
                text={`npx countersign secret put NAME --host HOST --gateway ${location.origin}`}
              />
            </Empty>
          ) : (
            <SecretTable secrets={secrets} onAct={setAct} />
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
