import type { Drill, Loss } from '../../test/chaos/drill/run-drill.ts';

/** What a loss must not cost, whatever was lost. */
const common = ({ part, overpaid, ranTwice, receiptsWithoutEntry }: Loss): readonly string[] => [
  ...(overpaid === 0n ? [] : [`${part}: payers sent ${overpaid} units too much`]),
  ...(ranTwice === 0 ? [] : [`${part}: ${ranTwice} calls ran twice`]),
  ...(receiptsWithoutEntry === 0
    ? []
    : [`${part}: ${receiptsWithoutEntry} receipts lost their entry`]),
];

/** The checks that both verifiers must find broken after a loss, with the reason of the first fault. */
const NAMED: Partial<Record<Loss['kind'], Readonly<Record<string, string>>>> = {
  log: { log: 'rolled_back' },
};

const verdicts = ({ part, kind, verified }: Loss): readonly string[] => {
  const expected = JSON.stringify(NAMED[kind] ?? {});
  return Object.entries(verified).flatMap(([verifier, { broken }]) =>
    JSON.stringify(broken) === expected
      ? []
      : [`${part}: the ${verifier} verifier names ${JSON.stringify(broken)}, not ${expected}`],
  );
};

const own = (loss: Loss): readonly string[] => {
  const { part, kind } = loss;
  switch (kind) {
    case 'log':
      return loss.doctor.some((line) => line.startsWith('transparency log: '))
        ? []
        : [`${part}: doctor does not name it`];
    case 'archive':
      return loss.withoutCopy === 0 ? [`${part}: the export succeeded without R2`] : [];
    case 'account':
      return loss.repeated === 503 && loss.fresh === 503
        ? []
        : [
            `${part}: it answered ${loss.repeated} to a forgotten call and ${loss.fresh} to a new one`,
          ];
    case 'database':
      return [];
  }
};

/** Everything that a drill found wrong. Empty if nothing was lost that the page "Back up, restore" does not name. */
export const faultsOf = ({ losses }: Drill): readonly string[] =>
  losses.flatMap((loss) => [...common(loss), ...verdicts(loss), ...own(loss)]);

/** What stays lost, in words. */
const LOST: Readonly<Record<Loss['kind'], string>> = {
  database: 'nothing of the log: accounts sent their entries again',
  archive:
    'nothing: the copy of the bucket has every object. Without a copy, every entry that only R2 had',
  account:
    'no entry and no money. The account forgot what it counted in the gap, and starts calls again after 71 minutes',
  log: 'the published tree: new checkpoints do not extend it, which doctor and both verifiers name',
};

/** The report of a drill, for people. */
export const drillText = ({ sold, losses }: Drill): string =>
  [
    `${sold} calls sold`,
    ...losses.map(
      (loss) =>
        `\n${loss.part}\n  back after        ${loss.seconds.toFixed(1)} s\n  receipts without entry ${loss.receiptsWithoutEntry}, units overpaid ${loss.overpaid}, calls run twice ${loss.ranTwice}\n  lost              ${LOST[loss.kind]}`,
    ),
  ].join('\n');
