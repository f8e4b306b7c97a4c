import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { expectedReach } from '../dashboard/data/gateway/local-stack.ts';
import { Notice } from '../dashboard/parts/notice.tsx';
import { offerKeys } from '../dashboard/session/local-wallet.ts';
import { findWallets } from '../dashboard/session/find-wallets.ts';
import { readJsonBody } from '../client/json.ts';
import { PayForm } from './pay-form.tsx';
import { MAX_DOCUMENT, type PayTool, payToolIn } from './pay-tool.ts';
import type { Paid } from './payment.ts';
import { keptAnswer } from './payment-look-up.ts';
import { paymentsIn, recordKey, tabShelf } from './payment-record.ts';
import { PaymentView } from './payment-view.tsx';
import { withOpenedQuery } from './tool-call.ts';
import './panel.css';

const readLocalKeys = async (): Promise<void> => {
  const answer = await fetch('/dashboard/local-keys.json');
  if (answer.ok) offerKeys(await answer.text());
};

const readTool = async (id: string): Promise<PayTool | undefined> => {
  const answer = await fetch('/openapi.json');
  const found = payToolIn(await readJsonBody(answer, MAX_DOCUMENT), id);
  return found && withOpenedQuery(found, location);
};

const payments = paymentsIn(tabShelf);

let isListening = false;

/** Asks for wallets once per page, whatever the number of panels. */
const listen = (): void => {
  if (isListening) return;
  isListening = true;
  findWallets();
  // Only a local stack names keys. Elsewhere the page does not ask.
  if (expectedReach() === 'local_stack') void readLocalKeys().catch(() => undefined);
};

const Panel = ({ id, onClose }: { readonly id: string; readonly onClose: () => void }) => {
  const [paid, setPaid] = useState<Partial<Paid> | undefined>(undefined);
  const [tool, setTool] = useState<PayTool | 'loading' | 'unknown'>('loading');
  useEffect(() => {
    listen();
    const load = async (): Promise<void> => {
      // The form must not show before an earlier payment does.
      const kept = await payments.look(recordKey(id));
      if ('request' in kept) {
        setPaid({ record: kept.request, ...answerIn(keptAnswer(id, kept.request)) });
      }
      setTool((await readTool(id).catch(() => undefined)) ?? 'unknown');
    };
    void load();
  }, []);
  if (paid?.record !== undefined) {
    const again = (): void => {
      void payments.discard(recordKey(id)).then(() => setPaid(undefined));
    };
    return <PaymentView tool={id} record={paid.record} answer={paid.answer} onAgain={again} />;
  }
  if (tool === 'loading') return <p role="status">Loading…</p>;
  if (tool === 'unknown') {
    return (
      <Notice tone="bad">
        This page cannot pay for this tool. Nothing was paid. Reload the page, or use the command
        below.
      </Notice>
    );
  }
  return <PayForm tool={tool} onPaid={setPaid} onClose={onClose} />;
};

const answerIn = (answer: Paid['answer'] | undefined): Partial<Paid> =>
  answer === undefined ? {} : { answer };

/** Shows the panel of a tool in its place on the page. @param onClose called after it is gone */
export const showPanel = (place: HTMLElement, id: string, onClose: () => void): void => {
  const close = (): void => {
    render(null, place);
    onClose();
  };
  place.replaceChildren();
  render(
    <section class="panel" aria-label={`Pay for ${id}`}>
      <Panel id={id} onClose={close} />
    </section>,
    place,
  );
};
