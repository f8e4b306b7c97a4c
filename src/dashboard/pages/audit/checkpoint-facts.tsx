import { useQuery } from '../../data/reading/query.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { saveFile } from '../../data/audit/save-file.ts';
import { shown } from '../../format/text.ts';
import { agoOf } from '../../format/time.ts';
import { Badge } from '../../parts/badge.tsx';
import { CommandLine } from '../../parts/command-line.tsx';
import { Id } from '../../parts/id.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Result } from '../../parts/result.tsx';

/** The newest signed checkpoint of the transparency log, verified in the browser. */
export const CheckpointFacts = () => {
  const query = useQuery('checkpoint', async () => {
    const { readCheckpoint } = await import('../../data/audit/checkpoint.ts');
    // A query without data has not been read yet.
    return { checkpoint: await readCheckpoint(gatewayNow()) };
  });
  const now = gatewayNow();
  return (
    <Result query={query} rows={3}>
      {({ checkpoint }) =>
        checkpoint === undefined ? (
          <Empty title="No signed checkpoint yet.">
            <p>
              The gateway signs one within seconds of the first call. Without the secret LOG_KEY it
              keeps no transparency log. To set it, run this:
            </p>
            <CommandLine text="npx countersign keys jwk | npx wrangler secret put LOG_KEY" />
          </Empty>
        ) : (
          <>
            <p class="muted lead">
              Every account’s entries are a chain of hashes, and the gateway signs one tree over all
              chains. If you keep a checkpoint, you can detect every later change of the entries
              that it covers.
            </p>
            {checkpoint.isSigned ? null : (
              <Notice tone="bad">
                The key of the log did not sign this checkpoint. Keep it: it may be evidence.
              </Notice>
            )}
            <Facts
              facts={[
                ['Checkpoint of', <code>{shown(checkpoint.origin)}</code>],
                ['Signature', <Badge state={checkpoint.isSigned ? 'proved' : 'broken'} />],
                ['Leaves', checkpoint.size],
                ['Root', <Id text={checkpoint.root} label="the root" />],
                ['Key', <Id text={checkpoint.key} label="the key of the log" />],
                [
                  'Witnesses',
                  checkpoint.witnesses.length === 0
                    ? 'none'
                    : checkpoint.witnesses
                        .map(({ name, at }) =>
                          at === undefined ? shown(name) : `${shown(name)}, ${agoOf(at, now)} ago`,
                        )
                        .join('; '),
                ],
              ]}
            />
            <div class="acts">
              <button
                type="button"
                onClick={() => saveFile('checkpoint', [checkpoint.text], 'text/plain')}
              >
                Download this checkpoint
              </button>
            </div>
          </>
        )
      }
    </Result>
  );
};
