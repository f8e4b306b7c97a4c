import { useEffect, useRef, useState } from 'preact/hooks';
import { decimalOf } from '../dashboard/format/amount.ts';
import { Field } from '../dashboard/parts/field.tsx';
import { Notice } from '../dashboard/parts/notice.tsx';
import { wallets } from '../dashboard/session/wallets.ts';
import type { Wallet } from '../dashboard/session/wallet.ts';
import type { Network } from '../protocol/account-id.ts';
import { networkName } from '../protocol/network-name.ts';
import { max } from '../protocol/amount.ts';
import { ArgumentControl } from './argument-control.tsx';
import { keyOf } from './argument-field.ts';
import type { PayTool } from './pay-tool.ts';
import type { Stage } from './chosen-wallet.ts';
import { buyCredit, type Paid, payFor, type PaymentOptions } from './payment.ts';
import { readPaymentRecord } from './payment-record.ts';
import type { PaymentFault } from './payment-fault.ts';
import { StageLine } from './stage-line.tsx';
import { type Faults, toolCallOf, valuesIn } from './tool-call.ts';
import { WalletChoice } from './wallet-choice.tsx';

/** The least credit that is bought at once: one dollar. */
const LEAST_CREDIT = 1_000_000n;

/** The operator's key of a local stack has no money. */
const PENNILESS = 'local:operator';

/** When the money moves, as a person should know before signing. */
const WHEN: Readonly<Record<PayTool['settlement'], string>> = {
  deferred:
    'You pay only for an answer: a call that is refused or fails costs nothing. The gateway accepts your signature now and moves the money later, together with other payments. If you are new here, it moves the money before the tool runs.',
  upfront:
    'The money moves before the tool runs. A call that is refused costs nothing; if the tool fails, what you paid becomes credit here.',
  credit:
    'The price is taken from credit that you bought here before. A call that fails costs nothing.',
  free: 'This tool is free. Your signature says who calls, and moves no money.',
};

const priceText = ({ price, isUpTo, settlement }: PayTool): string =>
  settlement === 'free' ? 'Free' : `${isUpTo ? 'at most ' : ''}${decimalOf(price)} USDC`;

/** What a person decides: the arguments, the network, the wallet. */
export const PayForm = ({
  tool,
  onPaid,
  onClose,
}: {
  readonly tool: PayTool;
  /** Without an answer, if it did not arrive. */
  readonly onPaid: (paid: Partial<Paid> & Pick<Paid, 'record'>) => void;
  readonly onClose: () => void;
}) => {
  const [typed, setTyped] = useState(() => valuesIn(tool, location));
  const [faults, setFaults] = useState<Faults>(new Map());
  const [on, setOn] = useState<Network>(tool.networks[0] ?? 'eip155:8453');
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const [stage, setStage] = useState<Stage | undefined>(undefined);
  const [fault, setFault] = useState<PaymentFault | undefined>(undefined);
  const [note, setNote] = useState('');
  const form = useRef<HTMLFormElement>(null);
  // Set before the first wait: a second click in the same moment must not sign a second payment.
  const isBusy = useRef(false);
  const offered = wallets.value.filter(({ id }) => id !== PENNILESS);
  const wallet = offered.find(({ id }) => id === chosen) ?? offered[0];

  useEffect(
    () => form.current?.querySelector<HTMLElement>('input, select, textarea, button')?.focus(),
    [],
  );

  const busy = async (
    work: (options: PaymentOptions) => Promise<void>,
    by: Wallet | undefined,
  ): Promise<void> => {
    if (isBusy.current || by === undefined) return;
    isBusy.current = true;
    setFault(undefined);
    setNote('');
    try {
      await work({ wallet: by, on, shelf: sessionStorage, onStage: setStage });
    } finally {
      isBusy.current = false;
      setStage(undefined);
    }
  };

  const pay = async (options: PaymentOptions): Promise<void> => {
    const call = toolCallOf(tool, typed);
    setFaults(call.ok ? new Map() : call.error);
    if (!call.ok) {
      const wrong = tool.fields.findIndex((field) => call.error.has(keyOf(field)));
      form.current
        ?.querySelectorAll<HTMLElement>('.arguments :is(input, select, textarea)')
        [wrong]?.focus();
      return;
    }
    const result = await payFor(tool, call.value, options);
    const record = readPaymentRecord(sessionStorage, tool.id);
    if (result.ok) onPaid(result.value);
    else if (result.error.kind === 'unclear' && record !== undefined) onPaid({ record });
    else setFault(result.error);
  };

  const credit = max(tool.price, LEAST_CREDIT);
  const buy = async (options: PaymentOptions): Promise<void> => {
    const result = await buyCredit(credit, options);
    if (result.ok)
      setNote(`You have bought ${decimalOf(credit)} USDC of credit. Now make the call.`);
    else setFault(result.error);
  };

  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void busy(pay, wallet);
      }}
    >
      <div class="arguments">
        {tool.fields.map((field, at) => {
          const key = keyOf(field);
          const change = (text: string): void => {
            setTyped(new Map(typed).set(key, text));
            setFaults(new Map([...faults].filter(([each]) => each !== key)));
          };
          return (
            <ArgumentControl
              key={key}
              id={`pay-${tool.id}-${at}`}
              field={field}
              value={typed.get(key) ?? ''}
              error={faults.get(key)}
              onChange={change}
            />
          );
        })}
      </div>
      {tool.networks.length > 1 ? (
        <Field
          id={`pay-${tool.id}-network`}
          label="Network"
          hint="Where the money moves. The wallet needs USDC there."
          control={(described) => (
            <select
              {...described}
              value={on}
              onChange={(event) => setOn(event.currentTarget.value as Network)}
            >
              {tool.networks.map((each) => (
                <option key={each} value={each}>
                  {networkName(each)}
                </option>
              ))}
            </select>
          )}
        />
      ) : null}
      <WalletChoice wallets={offered} chosen={wallet?.id} onChoose={setChosen} />
      <div class="sum">
        <p>
          {tool.settlement === 'free' ? null : (
            <>
              You pay <strong title={`${tool.price} atomic units`}>{priceText(tool)}</strong> on{' '}
              {networkName(on)}.
            </>
          )}
        </p>
        <p class="hint">{WHEN[tool.settlement]}</p>
      </div>
      {fault === undefined ? null : (
        <Notice tone={fault.kind === 'unpaid' ? 'bad' : 'warn'}>
          <p>{fault.text}</p>
          {fault.hint === '' ? null : <p>{fault.hint}</p>}
          {fault.kind === 'credit' ? (
            <button type="button" onClick={() => void busy(buy, wallet)}>
              Buy {decimalOf(credit)} USDC of credit
            </button>
          ) : null}
        </Notice>
      )}
      <div class="acts">
        <button
          type="submit"
          class="primary"
          disabled={wallet === undefined || stage !== undefined}
        >
          {tool.settlement === 'free' ? 'Call' : `Pay ${priceText(tool)}`}
        </button>
        <button type="button" disabled={stage !== undefined} onClick={onClose}>
          Close
        </button>
      </div>
      <StageLine stage={stage} network={networkName(on)} note={note} />
    </form>
  );
};
