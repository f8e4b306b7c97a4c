import { useEffect, useRef, useState } from 'preact/hooks';
import { decimalOf } from '../dashboard/format/amount.ts';
import { chooseWallet, wallets } from '../dashboard/session/wallets.ts';
import type { Wallet } from '../dashboard/session/wallet.ts';
import type { Network } from '../protocol/account-id.ts';
import { networkName } from '../protocol/network-name.ts';
import { max } from '../protocol/amount.ts';
import { ArgumentControl } from './argument-control.tsx';
import { keyOf } from './argument-field.ts';
import { Cost, priceText } from './cost.tsx';
import { FaultNotice } from './fault-notice.tsx';
import { NetworkChoice } from './network-choice.tsx';
import type { PayTool } from './pay-tool.ts';
import type { Stage } from '../dashboard/payment/chosen-wallet.ts';
import { buyCredit } from '../dashboard/payment/credit-purchase.ts';
import { browserPlace } from '../dashboard/session/browser-tabs.ts';
import type { PaymentOptions } from './paying-agent.ts';
import { type Paid, payFor } from './payment.ts';
import { tabShelf } from './payment-record.ts';
import type { PaymentFault } from '../dashboard/payment/payment-fault.ts';
import { StageLine } from './stage-line.tsx';
import { type Faults, toolCallOf, valuesIn } from './tool-call.ts';
import { WalletChoice } from './wallet-choice.tsx';

/** The least credit that is bought at once: one dollar. */
const LEAST_CREDIT = 1_000_000n;

/** The operator's key of a local stack has no money. */
const PENNILESS = 'local:operator';

/** The choices of a person: the arguments, the network, the wallet. */
export const PayForm = ({
  tool,
  onPaid,
  onClose,
}: {
  readonly tool: PayTool;
  /** Without an `answer` if it did not arrive. */
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
  // Set before the first `await`, so that a second click at the same moment cannot sign a second payment.
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
      const place = { gateway: location.origin, shelf: tabShelf };
      chooseWallet(by);
      await work({ ...place, wallet: by, on, onStage: setStage });
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
    if (result.ok) onPaid(result.value);
    else if (result.error.record !== undefined) onPaid({ record: result.error.record });
    else setFault(result.error);
  };

  const credit = max(tool.price, LEAST_CREDIT);
  const buy = async (options: PaymentOptions): Promise<void> => {
    const place = { gateway: location.origin, ...browserPlace };
    const result = await buyCredit({ amount: credit }, options, place);
    if (result.ok)
      setNote(
        `You have bought ${decimalOf(result.value.amount)} USDC of credit. Now make the call.`,
      );
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
        <NetworkChoice
          id={`pay-${tool.id}-network`}
          networks={tool.networks}
          on={on}
          onChoose={setOn}
        />
      ) : null}
      <WalletChoice wallets={offered} chosen={wallet?.id} onChoose={setChosen} />
      <Cost tool={tool} on={on} />
      {fault === undefined ? null : (
        <FaultNotice fault={fault} credit={credit} onBuy={() => void busy(buy, wallet)} />
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
