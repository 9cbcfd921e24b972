// Says how hard the password is to guess, while it is typed, on pages that set one. They work without it.
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import graphs from '@zxcvbn-ts/language-common/src/adjacencyGraphs.json';
import passwords from 'the-most-common-passwords';

const PAUSE = 300; // milliseconds, so that a screen reader is not interrupted at every letter
const LONGEST = 100; // code units: the work grows faster than the length
const guesser = new ZxcvbnFactory({
  dictionary: { passwords },
  graphs: { qwerty: graphs.qwerty, qwertz: graphs.qwertz },
});

const field = document.getElementById('password');
const hint = document.getElementById('password-strength');
let timer;

field.addEventListener('input', () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const own = [...document.querySelectorAll('#name, #email')].flatMap(({ value }) => [
      value,
      ...value.split(/[\s@.]+/),
    ]);
    const isLong = [...field.value].length >= field.minLength;
    const score = isLong ? guesser.check(field.value.slice(0, LONGEST), own.filter(Boolean)).score : 0;
    hint.textContent = field.value === '' ? '' : hint.dataset[`level${score}`];
    hint.dataset.score = field.value === '' ? '' : score;
  }, PAUSE);
});
