import { useRef, useState } from 'preact/hooks';
import { faultWords } from '../../../audit/verify/fault-words.ts';
import type { Finding } from '../../../audit/verify/index.ts';
import type { CallName } from '../../data/calls/call-story.ts';
import { gateway } from '../../data/gateway/gateway.ts';
import { problemOf } from '../../data/gateway/problem.ts';
import { bareReceipt, isReceipt, verifyReceiptOfCall } from '../../data/audit/verify-receipt.ts';
import { shown } from '../../format/text.ts';
import { Badge } from '../../parts/badge.tsx';
import { useCheckedForm } from '../../parts/checked-form.ts';
import { Field } from '../../parts/field.tsx';
import { Notice } from '../../parts/notice.tsx';
import '../../parts/stack.css';

type Outcome =
  | { readonly state: 'idle' | 'checking' }
  | { readonly state: 'failed'; readonly why: string }
  | { readonly state: 'done'; readonly finding: Finding };

const PROVED = [
  'A key that this gateway publishes signed it.',
  'It names an entry of this agent’s log, and that entry has the hash that the receipt states.',
  'Tool, request, status, answer and charge match the log.',
];

/** Verifies a receipt of this call in the browser: pasted, or dropped as a file. */
export const ReceiptCheck = ({ name }: { readonly name: CallName }) => {
  const [text, setText] = useState('');
  const [outcome, setOutcome] = useState<Outcome>({ state: 'idle' });
  const abort = useRef<AbortController>();
  const { ref, isTried, refuse } = useCheckedForm<HTMLFormElement>();
  const receipt = bareReceipt(text);
  const write = (next: string): void => {
    setText(next);
    setOutcome({ state: 'idle' });
  };
  const drop = async (event: DragEvent): Promise<void> => {
    const file = event.dataTransfer?.files[0];
    if (file === undefined) return;
    event.preventDefault();
    write((await file.slice(0, 16_384).text()).trim());
  };
  const check = async (): Promise<void> => {
    const management = gateway.value;
    if (management === undefined) return;
    abort.current?.abort();
    abort.current = new AbortController();
    setOutcome({ state: 'checking' });
    try {
      const { signal } = abort.current;
      const finding = await verifyReceiptOfCall(management, name, receipt, signal);
      if (finding !== undefined) setOutcome({ state: 'done', finding });
    } catch (thrown) {
      setOutcome({ state: 'failed', why: (await problemOf(thrown)).detail });
    }
  };
  return (
    <form
      ref={ref}
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReceipt(receipt)) void check();
        else refuse();
      }}
    >
      <Field
        label="Receipt"
        hint="Paste the Agent-Receipt header of the answer, or drop a file that contains it. npx countersign call --json prints it as agentReceipt. The caller has the receipt: the gateway keeps no copy."
        error={
          receipt === '' && isTried
            ? 'Paste a receipt first.'
            : receipt === '' || isReceipt(receipt)
              ? undefined
              : 'This is not a receipt. A receipt has three parts, separated by dots.'
        }
        control={(described) => (
          <textarea
            {...described}
            rows={3}
            spellcheck={false}
            value={text}
            onInput={(event) => write(event.currentTarget.value)}
            onDragOver={(event) => event.preventDefault()}
            onDrop={(event) => void drop(event)}
          />
        )}
      />
      <div class="acts">
        <button type="submit" disabled={outcome.state === 'checking'}>
          {outcome.state === 'checking' ? 'Verifying' : 'Verify the receipt'}
        </button>
      </div>
      <div aria-live="polite">
        {outcome.state === 'failed' ? <Notice tone="bad">{outcome.why}</Notice> : null}
        {outcome.state === 'done' ? <Verdict finding={outcome.finding} /> : null}
      </div>
    </form>
  );
};

const Verdict = ({ finding }: { readonly finding: Finding }) => {
  const { verdict, first, note } = finding;
  if (verdict === 'proved') {
    return (
      <>
        <p>
          <Badge state="proved" /> in this browser:
        </p>
        <ul class="points">
          {PROVED.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      </>
    );
  }
  if (first === undefined) return <Notice tone="warn">Not checked: {shown(note ?? '')}</Notice>;
  return (
    <Notice tone="bad">
      <p>
        <strong>This receipt is not valid.</strong>{' '}
        {first.seq === undefined ? 'It' : `Entry ${first.seq}`} {shown(receiptWords(first))}. Keep
        both: they may be evidence.
      </p>
    </Notice>
  );
};

const receiptWords = (fault: NonNullable<Finding['first']>): string => {
  if (fault.reason === 'wrong_signer') return 'is not signed by a key of this gateway';
  if (fault.reason === 'malformed_receipt') return 'is not a receipt';
  return faultWords(fault);
};
