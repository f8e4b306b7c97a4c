import { useEffect, useRef, useState } from 'preact/hooks';
import { decimalOf } from '../dashboard/format/amount.ts';
import { momentOf } from '../dashboard/format/time.ts';
import { Notice } from '../dashboard/parts/notice.tsx';
import { walletNamed } from '../dashboard/session/wallets.ts';
import type { Answer } from './answer.ts';
import { AnswerView } from './answer-view.tsx';
import { completed, keptAnswer, lookUp, lookUpProblem, unendedText } from './payment-look-up.ts';
import { keepOutcome, type PaymentRecord, tabShelf } from './payment-record.ts';
import { ReceiptView } from './receipt-view.tsx';

/** The cost of a call, in one sentence. */
const costOf = ({ outcome, amount }: PaymentRecord): string => {
  if (outcome === undefined) return '';
  if (outcome.credited > 0n) {
    return `The tool failed. You paid ${decimalOf(outcome.credited)} USDC, which is now your credit at this gateway.`;
  }
  if (outcome.charged > 0n) {
    return `You paid ${decimalOf(outcome.charged)} USDC${outcome.paid === 'credit' ? ' from your credit' : ''}.`;
  }
  return amount === 0n ? 'This call was free.' : 'The gateway charged nothing for this call.';
};

const titleOf = (status: number): string => {
  if (status === 0) return 'No answer';
  return status < 400 ? 'Answer' : `The tool answered ${status}`;
};

/** A payment of this tab: its answer, its cost, its receipt, and when the money moves. */
export const PaymentView = ({
  tool,
  record: first,
  answer: firstAnswer,
  onAgain,
}: {
  readonly tool: string;
  readonly record: PaymentRecord;
  readonly answer: Answer | undefined;
  readonly onAgain: () => void;
}) => {
  const [record, setRecord] = useState(first);
  const [answer, setAnswer] = useState(firstAnswer);
  const [problem, setProblem] = useState('');
  const [isAsking, setAsking] = useState(false);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const { outcome } = record;
  const wallet = walletNamed(record.wallet);

  const ask = async (): Promise<void> => {
    if (wallet === undefined || isAsking) return;
    setAsking(true);
    setProblem('');
    try {
      const found = await lookUp(record, wallet, location.origin);
      const known = completed(record, found);
      if (known.outcome === undefined) setProblem(unendedText(found));
      else await keepOutcome(tabShelf, tool, known);
      setRecord(known);
      setAnswer(keptAnswer(tool, known));
    } catch (thrown) {
      setProblem(await lookUpProblem(thrown, record, wallet));
    } finally {
      setAsking(false);
    }
  };

  return (
    <div class="payment">
      <h2 ref={title} tabIndex={-1}>
        {outcome === undefined ? 'Payment without an answer' : titleOf(outcome.status)}
      </h2>
      {outcome === undefined ? (
        <Notice tone="warn">
          <p>
            You signed a payment of at most {decimalOf(record.amount)} USDC at {momentOf(record.at)}
            . The answer has not arrived. The call may have run. Look the payment up before you pay
            again: the wallet signs a request, which costs nothing.
          </p>
          {wallet === undefined ? (
            <p>
              The wallet that signed is not in this browser. Turn it on, then reload the page. The
              payment is also in its list of transactions once the money has moved.
            </p>
          ) : null}
        </Notice>
      ) : (
        <>
          {answer === undefined ? (
            <p>
              There is no copy of the answer: it is too large for this tab, or the gateway kept
              none.
            </p>
          ) : (
            <AnswerView answer={answer} />
          )}
          <p>
            <strong>{costOf(record)}</strong>
          </p>
          <ReceiptView record={record} wallet={wallet} />
        </>
      )}
      {problem === '' ? null : <Notice tone="bad">{problem}</Notice>}
      <div class="acts">
        {outcome === undefined ? (
          <button
            type="button"
            class="primary"
            disabled={isAsking || wallet === undefined}
            onClick={() => void ask()}
          >
            {isAsking ? 'Confirm in the wallet' : 'Look up the payment'}
          </button>
        ) : null}
        <button type="button" onClick={onAgain}>
          {outcome === undefined ? 'Start over' : 'Call again'}
        </button>
      </div>
    </div>
  );
};
