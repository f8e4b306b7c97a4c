import { lasting } from '../../core/lasting.ts';
import type { Management } from '../../client/management.ts';
import { type Config, gatewayAccount } from '../../config/config.ts';
import type { AnswerOf } from '../../management/routes.ts';
import type { Network } from '../../protocol/account-id.ts';
import { nameOfNetwork } from '../../protocol/x402/networks.ts';
import { type Check, failure, passed, warning } from '../lib/checks.ts';
import { cliErrorOf } from '../lib/errors.ts';
import { counted } from '../lib/text.ts';
import { dollars, shortTime } from '../lib/units.ts';

type Moving = AnswerOf<'moving'>;
type Payee = Moving['payees'][number];
type Promised = Pick<Payee, 'calls' | 'open_payments' | 'until'> &
  Partial<Pick<Payee, 'open_amount'>>;
type Settings = Pick<Config, 'audiences' | 'gateway' | 'networks' | 'payTo' | 'payees'>;

/**
 * Checks which payments are open under values that the gateway no longer offers, and which values in use the configuration of this directory drops.
 *
 * @param config of the directory; undefined without one.
 */
export const movingChecks = async (
  management: Management,
  config: Settings | undefined,
  now: number,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  try {
    const { body } = await management.call('moving', { signal });
    return [...liveChecks(body, now), ...(config === undefined ? [] : dropChecks(body, config))];
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, hint } = cliErrorOf(error);
    if (code === 'not_found' || code === 'method_not_allowed') return [];
    return [failure('former values', message, hint)];
  }
};

/** How far the gateway's lists may lag behind; beyond that, an empty list does not prove that nothing is open. */
const MAX_LAG = 120;

const promisedText = ({ calls, open_payments: open, open_amount: amount, until }: Promised) =>
  [
    open === 0
      ? 'no open payment'
      : `${counted(open, 'open payment')}${amount === undefined ? '' : ` of ${dollars(amount)}`}`,
    counted(calls, 'call'),
    ...(until === undefined ? [] : [`until ${shortTime(until)} UTC`]),
  ].join(', ');

const payeeName = ({ network, payee }: Pick<Payee, 'network' | 'payee'>): string =>
  `${payee} on ${networkName(network)}`;

const networkName = (network: string): string => nameOfNetwork(network as Network) ?? network;

/** The values that the gateway has now. */
export const liveChecks = (moving: Moving, now: number): readonly Check[] => {
  const { payees, audiences, credits, as_of: asOf } = moving;
  const isCurrent = asOf !== undefined && now - asOf <= MAX_LAG;
  const former = payees.filter(({ state }) => state === 'former');
  const selling = new Set(payees.flatMap((one) => (one.state === 'offered' ? one.network : [])));
  return [
    ...former.map((one) => formerCheck(one, isCurrent, asOf, now)),
    ...payees.filter(({ state }) => state === 'unconfigured').map(missingPayeeCheck),
    ...audiences.slice(1).map(audienceCheck),
    ...credits.flatMap(({ asset, amount }) => {
      const network = asset.slice(0, asset.indexOf('/'));
      return selling.has(network as Network) ? [] : creditCheck(network, amount);
    }),
  ];
};

const FORMER = 'former payee';

const formerCheck = (
  one: Payee,
  isCurrent: boolean,
  asOf: number | undefined,
  now: number,
): Check => {
  const who = payeeName(one);
  if (one.calls > 0) {
    const isOverdue = one.until !== undefined && one.until < now;
    return warning(
      FORMER,
      `${who}: ${promisedText(one)}`,
      isOverdue
        ? 'Keep it in FORMER_PAY_TO. `countersign settlements list --state open` shows what the payments wait for.'
        : 'Keep it in FORMER_PAY_TO until then.',
    );
  }
  const lag = asOf === undefined ? 'of unknown age' : `${lasting(now - asOf)} old`;
  return isCurrent
    ? passed(FORMER, `${who}: nothing is open; it may go from FORMER_PAY_TO`)
    : warning(FORMER, `${who}: the figures are ${lag}`, 'Keep it until they are current.');
};

const missingPayeeCheck = (one: Payee): Check => {
  const says = `${payeeName(one)}: ${promisedText(one)}; neither PAY_TO nor FORMER_PAY_TO names it`;
  const hint = 'Put it into FORMER_PAY_TO and deploy. Nothing is lost meanwhile.';
  return one.open_payments > 0 ? failure(FORMER, says, hint) : warning(FORMER, says, hint);
};

/** The first audience needs no mention. Others may be permanent, so calls through them cause no warning. */
const audienceCheck = (one: Moving['audiences'][number]): Check => {
  const name = 'audience';
  if (one.state === 'unconfigured') {
    return warning(
      name,
      `${one.audience}: ${promisedText(one)}; AUDIENCES does not name it`,
      'Put it back into AUDIENCES and deploy: repeats of these calls are rejected.',
    );
  }
  return passed(
    name,
    one.calls > 0
      ? `${one.audience} is in use: ${promisedText(one)}`
      : `${one.audience}: no call in the log of the last 71 minutes, or since the gateway began; it may go if no grant names it`,
  );
};

const creditCheck = (network: string, amount: string): Check =>
  warning(
    'credit',
    `${dollars(amount)} are owed to accounts on ${networkName(network)}, which sells nothing`,
    'Pay it back with `countersign credits refund`, or give it on another network, before you drop the network.',
  );

const DROP = 'change of settings';

/** The values that the directory's configuration would drop if it were deployed; none for the configuration of another gateway. */
export const dropChecks = (moving: Moving, config: Settings): readonly Check[] => {
  const own = gatewayAccount(config);
  const { gateway_account: account, audiences, payees } = moving;
  const isOther =
    own !== account && !audiences.some(({ audience }) => config.audiences.includes(audience));
  if (isOther) return [];
  const changed =
    own === account
      ? []
      : failure(
          DROP,
          `the tools and webhooks of the gateway are with ${account}, and the settings here name ${own}`,
          `Set GATEWAY_ACCOUNT = "${account}".`,
        );
  return [
    changed,
    ...payees.map((one) => {
      const isKept = config.payees.get(one.network as Network)?.some((each) => each === one.payee);
      // An agent may hold an offer for an offered payee, also while none of its payments is open.
      const isNeeded = one.state === 'offered' || (one.state === 'former' && one.calls > 0);
      return isKept === true || !isNeeded
        ? []
        : failure(
            DROP,
            `the settings here drop ${payeeName(one)}: ${promisedText(one)}`,
            `Add it to FORMER_PAY_TO at "${one.network}".`,
          );
    }),
    ...audiences.map((one) =>
      one.state === 'unconfigured' || one.calls === 0 || config.audiences.includes(one.audience)
        ? []
        : failure(
            DROP,
            `the settings here drop ${one.audience}: ${promisedText(one)}`,
            'Add it to AUDIENCES, after the new one.',
          ),
    ),
  ].flat();
};
