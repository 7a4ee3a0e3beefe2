/**
 * Filter and search of the page, in the dialect of every browser. Without script the form stays hidden and everything is shown, so
 * nothing depends on it. It reads the page and hides parts of it; it never makes markup.
 */
export const SCRIPT = `
(function () {
  var form = document.getElementById('filter');
  var shown = document.getElementById('shown');
  if (form && shown) {
    var findings = Array.prototype.slice.call(document.querySelectorAll('.finding'));
    var sections = Array.prototype.slice.call(document.querySelectorAll('section.control'));
    var texts = findings.map(function (finding) { return finding.textContent.toLowerCase(); });
    var apply = function () {
      var standings = Array.prototype.slice.call(form.querySelectorAll('input[name=standing]:checked')).map(function (box) { return box.value; });
      var control = form.elements.control.value;
      var words = form.elements.search.value.toLowerCase().split(/\\s+/).filter(Boolean);
      var count = 0;
      findings.forEach(function (finding, index) {
        var isShown = standings.indexOf(finding.dataset.standing) !== -1 &&
          (control === '' || finding.dataset.control === control) &&
          words.every(function (word) { return texts[index].indexOf(word) !== -1; });
        finding.hidden = !isShown;
        if (isShown) count += 1;
      });
      sections.forEach(function (section) { section.hidden = !section.querySelector('.finding:not([hidden])'); });
      shown.textContent = count + ' of ' + findings.length + ' shown';
    };
    form.hidden = false;
    form.addEventListener('input', apply);
    form.addEventListener('submit', function (event) { event.preventDefault(); });
    apply();
  }
  var open = function () {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    var details = target && target.querySelector('details');
    if (details) details.open = true;
  };
  addEventListener('hashchange', open);
  open();
  addEventListener('beforeprint', function () {
    document.querySelectorAll('details').forEach(function (details) { details.open = true; });
  });
})();
`;
