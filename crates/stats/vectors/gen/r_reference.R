# Writes r_reference.csv: statistics and p-values by R and its packages, of samples that Rust can make again.
#
# Uniform numbers come from Park and Miller's generator, state <- 16807 state mod 2^31 - 1, which doubles hold exactly; samples are made
# of them by single correctly rounded operations. L-moments are the definition: means over all combinations of values.
#
# Run: Rscript vectors/gen/r_reference.R > vectors/r_reference.csv

suppressMessages({
  library(kSamples)
  library(sandwich)
})

uniform <- function(seed, n) {
  out <- numeric(n)
  state <- seed
  for (i in seq_len(n)) {
    state <- (16807 * state) %% 2147483647
    out[i] <- state / 2147483647
  }
  out
}

# The second sample of a pair is wider and higher.
sample_of <- function(kind, seed, n, second) {
  u <- uniform(seed, n)
  wide <- if (second) 1.25 else 1.0
  switch(kind,
    smooth = (u - 0.5) * wide + (if (second) 0.125 else 0.0),
    heavy = (u - 0.5) / (u * (1.0 - u)) * wide,
    ties = floor(u * 8.0 * wide),
    walk = {
      x <- numeric(n)
      last <- 0.0
      for (i in seq_len(n)) {
        last <- 0.5 * last + (u[i] - 0.5)
        x[i] <- last
      }
      x * wide
    }
  )
}

put <- function(kind, seed, n, m, of, ...) {
  numbers <- list(...)
  for (name in names(numbers)) {
    cat(sprintf("%s,%d,%d,%d,%s,%s,%.17g\n", kind, seed, n, m, of, name, as.numeric(numbers[[name]])))
  }
}

l_moments <- function(x) {
  pairs <- combn(x, 2, function(v) { v <- sort(v); v[2] - v[1] })
  threes <- combn(x, 3, function(v) { v <- sort(v); v[3] - 2 * v[2] + v[1] })
  fours <- combn(x, 4, function(v) { v <- sort(v); v[4] - 3 * v[3] + 3 * v[2] - v[1] })
  l2 <- mean(pairs) / 2
  list(scale = l2, skew = mean(threes) / 3 / l2, kurtosis = mean(fours) / 4 / l2)
}

both <- function(kind, seed, n, m) {
  x <- sample_of(kind, seed, n, FALSE)
  y <- sample_of(kind, seed + 1, m, TRUE)
  suppressWarnings({
    limit <- ks.test(x, y, exact = FALSE)
    put(kind, seed, n, m, "ks", statistic = limit$statistic, limit_p = limit$p.value)
    if (kind != "ties" && n * m < 10000) put(kind, seed, n, m, "ks", exact_p = ks.test(x, y, exact = TRUE)$p.value)
    # Pairs in which the second sample is larger.
    u <- wilcox.test(y, x, exact = FALSE, correct = TRUE)
    put(kind, seed, n, m, "mwu", statistic = u$statistic, p = u$p.value)
    if (kind != "ties" && min(n, m) <= 8) put(kind, seed, n, m, "mwu", exact_p = wilcox.test(y, x, exact = TRUE)$p.value)
  })
  welch <- t.test(y, x)
  put(kind, seed, n, m, "mean", difference = welch$estimate[1] - welch$estimate[2], t = welch$statistic, df = welch$parameter,
      p = welch$p.value)
  put(kind, seed, n, m, "std", ln_ratio = log(sd(y) / sd(x)))
  # The version for ties, with the middle of each group.
  if (n + m < 1000) put(kind, seed, n, m, "ad", standardised = ad.test(x, y)$ad["version 2:", "T.AD"],
                        a2 = ad.test(x, y)$ad["version 2:", "AD"])
}

one <- function(kind, seed, n) {
  x <- sample_of(kind, seed, n, FALSE)
  r <- acf(x, lag.max = 10, plot = FALSE)$acf[-1]
  put(kind, seed, n, 0, "acf", r1 = r[1], r2 = r[2], r10 = r[10])
  for (lag in c(1, 5, 10)) {
    box <- Box.test(x, lag = lag, type = "Ljung-Box")
    put(kind, seed, n, 0, paste0("ljung_box_", lag), statistic = box$statistic, p = box$p.value)
  }
  box <- Box.test(x, lag = 10, type = "Ljung-Box", fitdf = 2)
  put(kind, seed, n, 0, "ljung_box_fitted", statistic = box$statistic, p = box$p.value)
  if (n <= 40) do.call(put, c(list(kind, seed, n, 0, "l_moments"), l_moments(x)))
  # A second column that has some of the first.
  y <- 0.5 * x + sample_of(kind, seed + 7, n, FALSE)
  for (method in c("pearson", "spearman", "kendall")) put(kind, seed, n, 0, method, r = cor(x, y, method = method))
  line <- lm(y ~ x)
  for (lags in c(0, 4)) {
    error <- sqrt(NeweyWest(line, lag = lags, prewhite = FALSE, adjust = FALSE)[2, 2])
    put(kind, seed, n, 0, paste0("ols_", lags), slope = coef(line)[2], intercept = coef(line)[1], r2 = summary(line)$r.squared,
        error = error, p = 2 * pt(-abs(coef(line)[2] / error), n - 2))
  }
}

tails <- function() {
  # The kind holds the parameter, the number's name the argument.
  sf <- function(law, x, value) cat(sprintf("%s,0,0,0,sf,%.17g,%.17g\n", law, x, value))
  for (x in c(0.1, 1, 3, 12, 37)) sf("normal", x, pnorm(x, lower.tail = FALSE))
  for (nu in c(1, 4.5, 30, 1000)) for (x in c(0.2, 2, 9)) sf(paste0("t:", nu), x, pt(x, nu, lower.tail = FALSE))
  for (a in c(0.5, 2, 30)) for (x in c(0.1, 3, 60)) sf(paste0("gamma:", a), x, pgamma(x, a, lower.tail = FALSE))
}

cat(sprintf("# %s, kSamples %s, sandwich %s. Regenerate: Rscript vectors/gen/r_reference.R\n", R.version.string,
            packageVersion("kSamples"), packageVersion("sandwich")))
cat("# kind,seed,n,m,statistic,number,value\n")
for (kind in c("smooth", "heavy", "ties", "walk")) {
  seed <- 1000 * match(kind, c("smooth", "heavy", "ties", "walk"))
  both(kind, seed + 11, 8, 30)
  both(kind, seed + 21, 40, 55)
  both(kind, seed + 31, 300, 250)
  both(kind, seed + 41, 2000, 1500)
  one(kind, seed + 51, 30)
  one(kind, seed + 61, 400)
}
tails()
