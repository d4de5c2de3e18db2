from msd_mtl.study.unfilled import together


def left(size, there, runs, since=""):
    return f"data.train_size={size}, of {there}: {runs} runs left out.{since}"


def test_sizes_that_lack_the_same_are_one_line_in_the_order_of_numbers():
    pop, year = "1,057 training tracks with term:pop", "3,034 training tracks with year"
    lines = [left(size, there, 35) for size in ("10,000", "15,000", "2,000") for there in (pop, year)][:-1]
    assert together(lines) == [left("2,000, 10,000 and 15,000", pop, 105), left("10,000 and 15,000", year, 70)]
    assert together(lines[:1]) == lines[:1]


def test_other_settings_data_and_sweeps_stay_apart():
    lines = [
        left("900", "200 training tracks", 3),
        left("950", "200 training tracks", 3, " So the latest of 2 sweeps."),
        left("990", "210 training tracks", 3),
        left("1,000", "200 training tracks", 3).replace("train_size", "target_train_size"),
        "data.train_size=63, less than a batch of 64 where data.drop_last=true: 1 runs left out.",
        "n=900 is too many.",
    ]
    assert together(lines) == lines


def test_of_a_size_twice_the_runs_are_added():
    lines = [left("900", "200 tracks", "1,200"), left("900", "200 tracks", 34)]
    assert together(lines) == [left("900", "200 tracks", "1,234")]
