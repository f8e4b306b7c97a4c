import { useEffect, useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import type { AccountId } from '../../protocol/account-id.ts';
import type { CommandAnswer } from '../data/commands/answer-of-command.ts';
import { subjectOf, storedState } from '../data/commands/command-words.ts';
import type { OpenCommand } from '../data/commands/command-outbox.ts';
import {
  commandChanges,
  dismissCommand,
  openCommands,
  sendAgain,
} from '../data/commands/send-command.ts';
import type { SignedCommand } from '../data/commands/signed-command.ts';
import { gateway } from '../data/gateway/gateway.ts';
import { passedAtGateway } from '../data/gateway/gateway-clock.ts';
import { momentToSecond } from '../format/time.ts';
import { Notice } from './notice.tsx';

const LISTED_MS = 10_000;

const openText = (name: string, { sentAt, until }: SignedCommand): string => {
  const signed = `${name} that you signed on ${momentToSecond(sentAt)} has no answer yet.`;
  if (until !== undefined && until <= passedAtGateway()) {
    return `${signed} It has expired: if it has not taken effect yet, it no longer can.`;
  }
  const end = until === undefined ? '' : ` until ${momentToSecond(until)}`;
  return `${signed} The gateway may have carried it out, and may still do so${end}. “Send again” sends the same signed command, which takes effect at most once.`;
};

const answerText = (name: string, answer: CommandAnswer): string => {
  switch (answer.is) {
    case 'done':
      return `${name} has its answer: the gateway carried it out.`;
    case 'received':
      return `${name} arrived at the first attempt. The gateway does not carry it out again.`;
    case 'expired':
      return `${name} has expired. The gateway did not carry out this attempt, and no longer can.`;
    case 'refused':
      return `${name} was refused: ${answer.why}`;
    case 'open':
      return `The gateway did not answer. ${name} is still open.`;
  }
};

/** A command that a person has sent again on this page. The page shows it until the person closes it. */
type Repeated = OpenCommand & { readonly answer: CommandAnswer | undefined };

/**
 * One command whose answer was lost, with the stored state and the answer to a repeat. A person can dismiss the command once it has
 * expired.
 */
const CommandNotice = ({
  command,
  isOver,
  repeated,
  onRepeat,
  onDismiss,
  onClose,
}: OpenCommand & {
  readonly repeated: Repeated | undefined;
  readonly onRepeat: () => void;
  readonly onDismiss: () => void;
  readonly onClose: () => void;
}) => {
  const [state, setState] = useState<string | undefined>(undefined);
  const subject = subjectOf(command);
  const management = gateway.value;
  const answer = repeated?.answer;
  useEffect(() => {
    if (management === undefined) return undefined;
    const read = (): void => {
      // If this read fails, the page of the call still shows the state.
      void storedState(management, subject).then(setState, () => undefined);
    };
    read();
    const timer = setInterval(read, LISTED_MS);
    return () => clearInterval(timer);
  }, [command.id, management, answer]);
  const isSending = repeated !== undefined && answer === undefined;
  const isAnswered = answer !== undefined && answer.is !== 'open';
  return (
    <Notice tone="warn">
      <p role="status">
        {answer === undefined ? openText(subject.name, command) : answerText(subject.name, answer)}
      </p>
      {state === undefined ? null : <p>{state} Lists are up to date within seconds.</p>}
      {subject.page === undefined ? null : (
        <p>
          <Link href={subject.page}>See what is stored</Link>
        </p>
      )}
      {isAnswered ? (
        <button type="button" onClick={onClose}>
          Close
        </button>
      ) : (
        <div class="acts">
          <button type="button" disabled={isSending} onClick={onRepeat}>
            {isSending ? 'Asking the gateway' : 'Send again'}
          </button>
          {isOver && !isSending ? (
            <button type="button" onClick={onDismiss}>
              Dismiss
            </button>
          ) : null}
        </div>
      )}
    </Notice>
  );
};

/** The commands of the signed-in wallet whose answer was lost, in this tab or before it was loaded. */
export const OpenCommands = ({ account }: { readonly account: AccountId }) => {
  const [open, setOpen] = useState<readonly OpenCommand[]>([]);
  const [repeated, setRepeated] = useState<ReadonlyMap<string, Repeated>>(new Map());
  const changes = commandChanges.value;
  useEffect(() => {
    let isCurrent = true;
    const list = async (): Promise<void> => {
      const listed = await openCommands(account);
      if (isCurrent) setOpen(listed);
    };
    void list();
    const timer = setInterval(() => void list(), LISTED_MS);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [account, changes]);
  const note = (id: string, next: Repeated | undefined): void =>
    setRepeated((before) => {
      const after = new Map(before);
      if (next === undefined) after.delete(id);
      else after.set(id, next);
      return after;
    });
  const repeat = async (opened: OpenCommand): Promise<void> => {
    const { id } = opened.command;
    note(id, { ...opened, answer: undefined });
    const answer = await sendAgain(opened.command).catch(() => ({ is: 'open' }) as const);
    note(id, { ...opened, answer });
  };
  const dismiss = async ({ command }: OpenCommand): Promise<void> => {
    note(command.id, undefined);
    await dismissCommand(command);
  };
  const others = open.filter(({ command }) => !repeated.has(command.id));
  return (
    <>
      {[...repeated.values(), ...others].map((opened) => (
        <CommandNotice
          key={opened.command.id}
          command={opened.command}
          isOver={opened.isOver}
          repeated={repeated.get(opened.command.id)}
          onRepeat={() => void repeat(opened)}
          onDismiss={() => void dismiss(opened)}
          onClose={() => note(opened.command.id, undefined)}
        />
      ))}
    </>
  );
};
