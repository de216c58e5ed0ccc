// Runs once for the element that holds the note and the table: a click, Enter or the space bar on a word asks for
// its details, and the details can be left for the word again.
const words = '[data-span]';
let chosen = null;
const choose = (word) => {
  const row = element.querySelector(`[data-row="${word.dataset.span}"]`);
  if (!row) return;
  element.querySelectorAll('.stigma-chosen').forEach((old) => old.classList.remove('stigma-chosen'));
  element.querySelectorAll(`[data-span="${word.dataset.span}"]`).forEach((same) => {
    same.classList.add('stigma-chosen');
    const note = same.closest('.stigma-note');
    if (note && same !== word) note.scrollTop = same.offsetTop - note.clientHeight / 2;
  });
  row.classList.add('stigma-chosen');
  chosen = word;
  trigger('select', { question: row.dataset.question });
};
element.addEventListener('click', (event) => {
  const word = event.target.closest(words);
  if (word) return choose(word);
  if (event.target.closest('.stigma-skip')) {
    event.preventDefault();
    element.querySelector('#stigma-table').focus();
  }
});
element.addEventListener('keydown', (event) => {
  if ((event.key === 'Enter' || event.key === ' ') && event.target.matches('mark[data-span]')) {
    event.preventDefault();
    choose(event.target);
  }
});
document.addEventListener('click', (event) => {
  if (event.target.closest('.stigma-back') && chosen && element.contains(chosen)) chosen.focus();
});
