import { Scroll } from '../../parts/scroll.tsx';
import './proof-path.css';

/** A step of a Merkle path, from below: the other hash, its side, and the hash of both. */
export type DrawnStep = {
  readonly sibling: string;
  readonly side: 'left' | 'right';
  readonly above: string;
};

const ROW = 56;
const WIDTH = 360;
const HEIGHT = 28;
const BOX = 128;
const MIDDLE = (WIDTH - BOX) / 2;
const LETTERS = 12;

const Node = ({
  x,
  y,
  text,
  kind,
}: {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly kind: 'own' | 'given' | 'end';
}) => (
  <g class={kind}>
    <rect x={x} y={y} width={BOX} height={HEIGHT} rx="6" />
    <text x={x + BOX / 2} y={y + 18} text-anchor="middle">
      {text.slice(0, LETTERS)}…
    </text>
  </g>
);

/**
 * A Merkle path as a picture, the root on top: solid nodes are computed here, dashed ones come with the proof. A table has the same data.
 */
export const ProofPath = ({
  title,
  from,
  fromName,
  rootName,
  steps,
}: {
  readonly title: string;
  readonly from: string;
  readonly fromName: string;
  readonly rootName: string;
  readonly steps: readonly DrawnStep[];
}) => {
  const height = steps.length * ROW + HEIGHT + 4;
  const yOf = (level: number): number => height - 2 - HEIGHT - level * ROW;
  const sideX = (side: DrawnStep['side']): number => (side === 'left' ? 2 : WIDTH - BOX - 2);
  // The computed node moves to the other half, so that each pair reads as left and right.
  const ownX = (level: number): number => {
    const step = steps[level];
    if (step === undefined) return MIDDLE;
    return step.side === 'left' ? WIDTH - BOX - 2 : 2;
  };
  const hashes = [from, ...steps.map(({ above }) => above)];
  return (
    <figure class="proof">
      <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={title}>
        {steps.map((step, level) => {
          const top = yOf(level + 1) + HEIGHT;
          const x = ownX(level + 1) + BOX / 2;
          return [sideX(step.side), ownX(level)].map((below) => (
            <line key={`${level} ${below}`} x1={below + BOX / 2} y1={yOf(level)} x2={x} y2={top} />
          ));
        })}
        {steps.map(({ side, sibling }, level) => (
          <Node key={`given ${level}`} x={sideX(side)} y={yOf(level)} text={sibling} kind="given" />
        ))}
        {hashes.map((hash, level) => (
          <Node
            key={`own ${level}`}
            x={ownX(level)}
            y={yOf(level)}
            text={hash}
            kind={level === 0 || level === steps.length ? 'end' : 'own'}
          />
        ))}
      </svg>
      <figcaption>
        At the top is {rootName}, at the bottom {fromName}. Dashed hashes come with the proof; this
        browser computes the others.
        <details>
          <summary>Show as table</summary>
          <Scroll label={title}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Level</th>
                  <th scope="col">Hash with</th>
                  <th scope="col">Gives</th>
                </tr>
              </thead>
              <tbody>
                <tr>
                  <td>{fromName}</td>
                  <td>–</td>
                  <td>
                    <code>{from}</code>
                  </td>
                </tr>
                {steps.map(({ side, sibling, above }, level) => (
                  <tr key={above}>
                    <td>{level + 1 === steps.length ? rootName : level + 1}</td>
                    <td>
                      {side}: <code>{sibling}</code>
                    </td>
                    <td>
                      <code>{above}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </details>
      </figcaption>
    </figure>
  );
};
